#!/bin/sh
# From an empty account to a model that serves, on the embedded sandbox: no key, no network, no bill.
# It works in a copy, so that specs/ stays as it is in git.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/examples"
cp -R "$here/specs" "$work/specs"
rm -rf "$work/specs/.wanctl"
cp -R "$here/examples/data" "$work/examples/data"
cd "$work"
git init --quiet .

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() { printf '\033[36m$ %s\033[0m\n' "$*"; "$@"; }

say "What would happen? Nothing is changed by looking."
run wanctl plan

say "Upload and train. Hours at the service; the sandbox's clock runs faster."
run wanctl apply --yes --wait

say "The training is done; a person has to act: look at the previews."
run wanctl previews FineTune/money-rain --to previews --checkpoint checkpoint-200 --checkpoint checkpoint-400

say "Here a line of this script stands for the person: it writes checkpoint: checkpoint-200 into the specs."
run sed -i.before 's/^# *checkpoint: checkpoint-.*/checkpoint: checkpoint-200/' specs/money-rain.yaml
diff specs/money-rain.yaml.before specs/money-rain.yaml || true
rm specs/money-rain.yaml.before

say "Export that checkpoint and deploy it."
run wanctl apply --yes --wait

say "The name that callers use."
run wanctl output Deployment/money-rain

say "And once more: there is nothing left to do."
run wanctl plan

say "That was a copy, and it is gone now. What to do next:"
cat <<'END'
  pip install .                          # the wanctl command
  wanctl plan                            # the same project, in specs/: README.md goes through it step by step
  wanctl -C examples/two-looks plan      # two deployments of one training; examples/ has more
  wanctl init ~/my-model                 # a project of your own
END
