#!/usr/bin/env bash
# A real API server of Kubernetes on this machine, for the tests.
#
#   server.sh build              make it, once: from Debian's source package, into a folder of its own
#   server.sh missing            what it lacks, in words that a skipped test can say; nothing where all is there
#   server.sh start FOLDER PID   start etcd, kube-apiserver and kube-controller-manager on loopback, all that they
#                                write in FOLDER; they end once the process PID has ended. Prints the kubeconfig
#   server.sh stop FOLDER        end what was started there, by its process ids
#
# Nothing of the machine is changed: packages are fetched and unpacked, none is installed, and apt is given a list
# of sources of its own. Building takes Debian 12 (or newer, with its packages named below), the network and 4 GB
# of disk for as long as it lasts.
set -euo pipefail

VERSION=1.20.2
ME=$(realpath "$0")
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/wanctl-kubernetes
HOME_OF_PROGRAMS=$CACHE/v$VERSION
PROGRAMS=(etcd kube-apiserver kube-controller-manager)
ORDER_OF_ENDING=(kube-controller-manager kube-apiserver etcd)
PACKAGES=(golang-1.19-go golang-1.19-src rsync libpopt0 etcd-server golang-github-modern-go-reflect2-dev)

say() { echo "$*" >&2; }
fail() { say "error: $*"; exit 1; }

missing() {
    local program
    for program in "${PROGRAMS[@]}"; do
        if [[ ! -x $HOME_OF_PROGRAMS/$program ]]; then
            echo "needs an API server of Kubernetes: make kubernetes (about ten minutes, once)"
            return
        fi
    done
    command -v openssl >/dev/null || echo "needs openssl: apt install openssl"
}

# --- build -----------------------------------------------------------------------------------------------------

# apt with sources of its own: the machine's archives, and their source packages.
own_apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
}

list_sources() {
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    local uri codename trust="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    # shellcheck disable=SC2016  # these are apt's own words
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Identifier: Packages' 'Component: main' | sort -u |
        while read -r uri codename; do
            printf '%s\n' "deb $trust $uri $codename main" "deb-src $trust $uri $codename main"
        done >"$work/apt/sources.list"
    [[ -s $work/apt/sources.list ]] || fail "apt knows of no archive with a component main"
    own_apt update
}

build() {
    [[ -n $(missing) ]] || { say "It is there: $HOME_OF_PROGRAMS"; return; }
    local tool
    for tool in apt-get dpkg-deb dpkg-source make gcc; do
        command -v "$tool" >/dev/null || fail "building needs $tool: apt install apt dpkg-dev make gcc, on Debian"
    done
    mkdir -p "$CACHE"
    work=$(mktemp -d "$CACHE/build-XXXXXX")
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    local began=$SECONDS

    say "Fetching the source of Kubernetes $VERSION, and what builds it…"
    list_sources
    (cd "$work" && mkdir debs source && cd debs && own_apt download "${PACKAGES[@]}")
    (cd "$work/source" && own_apt source --download-only kubernetes && dpkg-source --no-check -x ./*.dsc tree >/dev/null)
    local deb
    for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

    local tree=$work/source/tree root=$work/root
    # The reflect2 that is vendored reads the runtime of an older Go, and fails with this one.
    local reflect2=vendor/github.com/modern-go/reflect2
    rm -rf "${tree:?}/$reflect2"
    cp -r "$root/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/$reflect2"

    say "Building (about ten minutes of processor time)…"
    (
        cd "$tree"
        export PATH=$root/usr/lib/go-1.19/bin:$root/usr/bin:$PATH GOROOT=$root/usr/lib/go-1.19
        export LD_LIBRARY_PATH=$root/usr/lib/$(gcc -print-multiarch) # of rsync
        export GOCACHE=$work/go-cache GOPATH=$work/go GO111MODULE=off CGO_ENABLED=0 GOPROXY=off
        export GOFLAGS=-tags=providerless # without the clients of clouds
        export KUBE_GIT_VERSION=v$VERSION KUBE_GIT_TREE_STATE=clean KUBE_GIT_COMMIT=debian
        export KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20
        # Of all that make would generate anew, the source lacks only this: its schemas.
        printf 'include Makefile\nschemas:\n\t$(MAKE) -f Makefile.generated_files %s CALLED_FROM_MAIN_MAKEFILE=1\n' \
            pkg/generated/openapi/zz_generated.openapi.go >Makefile.schemas
        make -f Makefile.schemas schemas
        hack/make-rules/build.sh cmd/kube-apiserver cmd/kube-controller-manager
    ) >"$work/make.log" 2>&1 || { tail -n 40 "$work/make.log" >&2; fail "Kubernetes was not built"; }

    mkdir -p "$work/programs"
    cp "$tree"/_output/local/bin/linux/*/kube-{apiserver,controller-manager} "$root/usr/bin/etcd" "$work/programs"
    [[ $("$work/programs/kube-apiserver" --version) == "Kubernetes v$VERSION" ]] || fail "what was built is another version"
    mkdir -p "$HOME_OF_PROGRAMS"
    mv "$work"/programs/* "$HOME_OF_PROGRAMS"
    say "Built in $((SECONDS - began)) s: $HOME_OF_PROGRAMS"
    times >&2
}

# --- start and stop --------------------------------------------------------------------------------------------

free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))
PYTHON
}

# Everybody's certificates, by an authority of our own.
certify() {
    local name
    {
        openssl ecparam -genkey -name prime256v1 -noout -out ca.key
        openssl req -x509 -new -key ca.key -subj "/CN=wanctl tests" -days 2 -out ca.crt
        openssl genrsa -out accounts.key 2048
        printf 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc\n' >server.ext
        printf 'extendedKeyUsage=clientAuth\n' >admin.ext
        for name in server admin; do
            openssl ecparam -genkey -name prime256v1 -noout -out $name.key
            openssl req -new -key $name.key -subj "/O=system:masters/CN=$name" -out $name.csr
            openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.crt
        done
    } 2>openssl.log || { cat openssl.log >&2; fail "no certificates could be made"; }
}

write_kubeconfig() {
    cat >kubeconfig <<YAML
apiVersion: v1
kind: Config
current-context: tests
contexts: [{name: tests, context: {cluster: tests, user: admin, namespace: default}}]
clusters: [{name: tests, cluster: {server: "https://127.0.0.1:$1", certificate-authority: ca.crt}}]
users: [{name: admin, user: {client-certificate: admin.crt, client-key: admin.key}}]
YAML
}

# A program in the background, its output in a file, its process id in another.
run() {
    local name=$1
    shift
    setsid "$HOME_OF_PROGRAMS/$name" "$@" >"$name.log" 2>&1 </dev/null &
    echo $! >"$name.pid"
}

run_apiserver() {
    run kube-apiserver --etcd-servers="http://127.0.0.1:$1" --secure-port="$2" --insecure-port=0 \
        --bind-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.0.0.0/24 \
        --client-ca-file=ca.crt --tls-cert-file=server.crt --tls-private-key-file=server.key \
        --authorization-mode=RBAC --service-account-issuer=https://kubernetes.default.svc \
        --service-account-signing-key-file=accounts.key --service-account-key-file=accounts.key \
        --event-ttl=1h --profiling=false
}

ready() {
    python3 - "$1" <<'PYTHON'
import ssl, sys, urllib.request
trust = ssl.create_default_context(cafile="ca.crt")
trust.load_cert_chain("admin.crt", "admin.key")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
try:
    sys.exit(opener.open(f"https://127.0.0.1:{sys.argv[1]}{'/readyz'}", timeout=5).status != 200)
except OSError:
    sys.exit(1)
PYTHON
}

await_ready() {
    local tries
    for tries in $(seq 240); do
        ready "$1" && return
        kill -0 "$(<kube-apiserver.pid)" 2>/dev/null || break
        sleep 0.25
    done
    tail -n 20 kube-apiserver.log etcd.log >&2
    fail "the API server did not come up (looked $tries times)"
}

start() {
    local folder=$1 owner=$2 lacks etcd peer secure
    lacks=$(missing)
    [[ -z $lacks ]] || fail "$lacks"
    mkdir -p "$folder"
    cd "$folder"
    umask 077
    certify
    read -r etcd peer secure < <(free_ports 3)
    write_kubeconfig "$secure"
    echo "$etcd $secure" >ports
    run etcd --data-dir=etcd --log-level=error --logger=zap --listen-client-urls="http://127.0.0.1:$etcd" \
        --advertise-client-urls="http://127.0.0.1:$etcd" --listen-peer-urls="http://127.0.0.1:$peer" \
        --initial-advertise-peer-urls="http://127.0.0.1:$peer" --initial-cluster="default=http://127.0.0.1:$peer"
    run_apiserver "$etcd" "$secure"
    setsid "$ME" guard "$PWD" "$owner" >guard.log 2>&1 </dev/null &
    await_ready "$secure"
    run kube-controller-manager --kubeconfig=kubeconfig --leader-elect=false --port=0 --secure-port=0 \
        --service-account-private-key-file=accounts.key --root-ca-file=ca.crt \
        --controllers=namespace,garbagecollector,serviceaccount,serviceaccount-token --concurrent-namespace-syncs=4
    echo "$PWD/kubeconfig"
}

# Ends all of it once its owner has ended, however that was, and whatever became of the folder.
guard() {
    local program
    local -A known=()
    while kill -0 "$2" 2>/dev/null && [[ -e $1/ports ]]; do
        for program in "${PROGRAMS[@]}"; do
            [[ ! -s $1/$program.pid ]] || known[$program]=$(<"$1/$program.pid")
        done
        sleep 0.5
    done
    for program in "${ORDER_OF_ENDING[@]}"; do end "$program" "${known[$program]-}"; done
    rm -rf "$1/etcd"
}

# The API server alone, ended and started again: what watched it has to notice.
restart() {
    cd "$1"
    end kube-apiserver "$(<kube-apiserver.pid)"
    read -r etcd secure <ports
    run_apiserver "$etcd" "$secure"
    await_ready "$secure"
}

# A process of ours, by its id; one that was given again to another program is left alone.
end() {
    local program=$1 pid=$2 tries
    ours "$program" "$pid" || return 0
    kill "$pid" 2>/dev/null || return 0
    for tries in $(seq 40); do
        ours "$program" "$pid" || return 0
        sleep 0.25
    done
    say "$program did not end in $tries looks; it is killed"
    kill -9 "$pid" 2>/dev/null || true
}

ours() {
    [[ -n $2 && -r /proc/$2/cmdline && $(tr '\0' '\n' <"/proc/$2/cmdline" 2>/dev/null | head -n 1) == "$HOME_OF_PROGRAMS/$1" ]]
}

stop() {
    [[ -e $1/ports ]] || return 0
    cd "$1"
    rm -f ports
    local program
    for program in "${ORDER_OF_ENDING[@]}"; do
        [[ ! -s $program.pid ]] || end "$program" "$(<"$program.pid")"
        rm -f "$program.pid"
    done
    rm -rf etcd
}

case ${1-} in
build) build ;;
missing) missing ;;
start) [[ $# -eq 3 ]] || fail "server.sh start FOLDER PID"; start "$2" "$3" ;;
restart) restart "${2:?}" ;;
stop) stop "${2:?}" ;;
guard) guard "$2" "$3" ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
