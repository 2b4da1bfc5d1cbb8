// The buttons that write: there only where wanctl itself shows the page.
(() => {
  const { all, the, samples, keys, current, offer } = window.wanctl;
  const words = the("said"), back = the("undo");
  const byLine = new Map(samples.map((one) => [Number(one.dataset.line), one]));
  const say = (text, wrong) => { words.textContent = text; words.classList.toggle("error", Boolean(wrong)); };

  const apply = (state) => {
    the("heading").textContent = state.heading;
    for (const one of state.samples) {
      const sample = byLine.get(one.line);
      if (!sample) continue;
      const prompt = sample.querySelector(".prompt"), button = sample.querySelector(".exclude");
      prompt.textContent = one.prompt || "no prompt";
      sample.querySelector("textarea").dataset.before = JSON.stringify(one.prompt);
      sample.toggleAttribute("data-excluded", one.excluded);
      if (button) {
        button.textContent = one.excluded ? "Take in again" : "Exclude";
        button.disabled = one.fixed;
      }
      sample.dataset.rules = one.problems.map((problem) => problem.rule).join(" ");
      sample.querySelector(".problems").replaceChildren(...one.problems.map((problem) => {
        const line = document.createElement("p"), badge = document.createElement("span");
        line.className = problem.severity;
        badge.className = `badge ${problem.severity}`;
        badge.textContent = problem.severity;
        line.append(badge, ` ${problem.message}`);
        return line;
      }));
    }
    offer();
  };

  let busy = false;
  const send = async (what) => {
    if (busy) return false;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("edit", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what) });
      const { said, state, undo } = await answer.json();
      say(said, !answer.ok);
      if (state) apply(state);
      if (undo !== undefined) back.hidden = !undo;
      return answer.ok;
    } catch {
      say("Nothing was written: wanctl does not answer any more.", true);
      return false;
    } finally {
      busy = false;
      document.body.removeAttribute("aria-busy");
    }
  };

  const before = (sample) => JSON.parse(sample.querySelector("textarea").dataset.before);
  const open = (sample) => {
    const text = sample.querySelector("textarea");
    text.value = before(sample);
    sample.classList.add("is-edited");
    sample.querySelector(".write").hidden = false;
    text.focus();
  };
  const close = (sample) => {
    sample.classList.remove("is-edited");
    sample.querySelector(".write").hidden = true;
    sample.focus({ preventScroll: true });
  };
  const save = async (sample) => {
    const text = sample.querySelector("textarea");
    if (text.value.trim() === before(sample)) { close(sample); return; }
    if (await send({ what: "caption", line: Number(sample.dataset.line), before: before(sample), after: text.value })) close(sample);
  };
  const exclude = (sample) => {
    const button = sample.querySelector(".exclude");
    if (!button || button.disabled) return;
    send({ what: "exclude", line: Number(sample.dataset.line), excluded: !("excluded" in sample.dataset) });
  };
  for (const sample of samples) {
    const text = sample.querySelector("textarea"), on = (what, act) => { const one = sample.querySelector(what); if (one) one.addEventListener("click", () => act(sample)); };
    on(".edit", open);
    on(".save", save);
    on(".leave", close);
    on(".exclude", exclude);
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(sample); }
      if (event.key === "Escape") { event.stopPropagation(); close(sample); }
    });
  }
  const undo = () => send({ what: "undo" });
  back.addEventListener("click", undo);
  Object.assign(keys, {
    e: () => { const one = current(); if (one) open(one); return Boolean(one); },
    x: () => { const one = current(); if (one) exclude(one); return Boolean(one); },
    u: () => { if (!back.hidden) undo(); },
  });
  addEventListener("beforeunload", (event) => { if (all(".is-edited").length) event.preventDefault(); });
})();
