"use strict";
(() => {
  const all = (what, below = document) => [...below.querySelectorAll(what)];
  const the = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const samples = all("[data-sample]");

  // A clip plays while the pointer is on it, or once somebody asked for it; at most one does.
  let running = null;
  const parts = (sample) => ({ video: sample.querySelector("video"), button: sample.querySelector(".play"), bar: sample.querySelector(".clip progress") });
  const stop = (sample) => {
    const { video, button } = parts(sample);
    if (!video) return;
    video.pause();
    delete sample.dataset.asked;
    button.textContent = "Play";
    if (running === sample) running = null;
  };
  const play = (sample, asked) => {
    const { video, button } = parts(sample);
    if (!video) return;
    if (running && running !== sample) stop(running);
    running = sample;
    if (asked) sample.dataset.asked = "";
    button.textContent = "Pause";
    video.play().catch(() => {});
  };
  const toggle = (sample) => {
    if (running === sample && "asked" in sample.dataset) stop(sample); else play(sample, true);
  };
  for (const sample of samples) {
    const { video, button, bar } = parts(sample);
    if (!video) continue;
    const clip = sample.querySelector(".clip");
    clip.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse" && !calm.matches) play(sample, false); });
    clip.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !("asked" in sample.dataset)) { stop(sample); video.currentTime = 0; }
    });
    video.addEventListener("click", () => toggle(sample));
    button.addEventListener("click", () => toggle(sample));
    video.addEventListener("timeupdate", () => { bar.value = video.duration ? video.currentTime / video.duration : 0; });
    video.addEventListener("error", () => { button.textContent = "No clip"; button.disabled = true; });
  }
  const away = new IntersectionObserver((seen) => {
    for (const one of seen) if (!one.isIntersecting && running === one.target) stop(one.target);
  });
  for (const sample of samples) away.observe(sample);

  // Show those with a finding, and how many there are of each.
  const filter = the("filter"), words = the("words"), count = the("count");
  const rulesOf = (sample) => sample.dataset.rules.split(" ").filter(Boolean);
  const fits = {
    "": () => true,
    "*": (sample) => rulesOf(sample).length > 0,
    "!excluded": (sample) => "excluded" in sample.dataset,
    "!kept": (sample) => !("excluded" in sample.dataset),
  };
  const show = () => {
    const fit = fits[filter.value] || ((sample) => rulesOf(sample).includes(filter.value));
    const text = words.value.trim().toLowerCase();
    let shown = 0;
    for (const sample of samples) {
      const here = fit(sample) && (!text || sample.dataset.name.toLowerCase().includes(text) || (sample.querySelector(".prompt") || sample).textContent.toLowerCase().includes(text));
      sample.hidden = !here;
      if (here) shown += 1; else if (running === sample) stop(sample);
    }
    count.textContent = shown === samples.length ? `${shown} shown` : `${shown} of ${samples.length} shown`;
  };
  const offer = () => {
    const counts = new Map();
    for (const sample of samples) for (const rule of new Set(rulesOf(sample))) counts.set(rule, (counts.get(rule) || 0) + 1);
    const excluded = samples.filter(fits["!excluded"]).length;
    const choices = [["", `All (${samples.length})`], ["*", `With a finding (${samples.filter(fits["*"]).length})`]];
    if (excluded) choices.push(["!kept", `Not excluded (${samples.length - excluded})`], ["!excluded", `Excluded (${excluded})`]);
    for (const rule of [...counts.keys()].sort()) choices.push([rule, `${rule} (${counts.get(rule)})`]);
    const before = filter.value;
    filter.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
    filter.value = choices.some(([value]) => value === before) ? before : "";
    show();
  };
  if (filter) {
    filter.addEventListener("change", show);
    words.addEventListener("input", show);
    offer();
  }

  // Keys
  const current = () => document.activeElement.closest("[data-sample]");
  const go = (by) => {
    const shown = samples.filter((one) => !one.hidden);
    const at = shown.indexOf(current());
    const to = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by];
    if (to) { to.focus({ preventScroll: true }); to.scrollIntoView({ block: "nearest" }); }
  };
  const turn = (by) => {
    filter.selectedIndex = (filter.selectedIndex + by + filter.options.length) % filter.options.length;
    show();
  };
  const keys = {
    j: () => go(1), ArrowDown: () => go(1), k: () => go(-1), ArrowUp: () => go(-1),
    " ": () => { const one = current(); if (one) toggle(one); return Boolean(one); },
    ",": () => step(-1), ".": () => step(1),
    ...(filter ? { f: () => turn(1), F: () => turn(-1), "/": () => words.focus() } : {}),
  };
  const step = (by) => {
    const one = current(), video = one && one.querySelector("video");
    if (!video) return;
    play(one, true);
    stop(one);
    video.currentTime = Math.max(0, video.currentTime + by / 24);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.matches("textarea, select, input")) {
      if (event.key === "Escape") { const one = current(); event.target.blur(); if (one) one.focus(); }
      return;
    }
    if (event.key === " " && event.target.matches("button, summary")) return;
    const act = keys[event.key];
    if (act && act() !== false) event.preventDefault();
  });
  window.wanctl = { all, the, samples, keys, current, offer, show };
})();
