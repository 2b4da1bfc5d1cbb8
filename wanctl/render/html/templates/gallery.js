"use strict";
(() => {
  const all = (what, below = document) => [...below.querySelectorAll(what)];
  const the = (id) => document.getElementById(id);
  const review = the("review").dataset;
  const name = `wanctl-review-${review.digest}`;
  const APART = 0.08; // seconds that two videos of a row may differ by

  // Stars and notes: kept by the browser, for this review only.
  const kept = { stars: {}, notes: {} };
  try { Object.assign(kept, JSON.parse(localStorage.getItem(name) || "{}")); } catch { /* nothing is kept */ }
  const keep = () => { try { localStorage.setItem(name, JSON.stringify(kept)); } catch { /* for this visit only */ } };
  const columns = all(".candidate");
  const labelOf = (number) => columns[number].dataset.checkpoint; // with its training before it, if another's

  // Nothing is loaded before it is seen, and what is out of sight gives its memory back.
  const near = new IntersectionObserver((seen) => {
    for (const one of seen) {
      const video = one.target;
      if (one.isIntersecting) load(video);
      else unload(video);
    }
  }, { rootMargin: "150px" });
  const load = (video) => {
    if (video.dataset.poster) video.poster = video.dataset.poster;
    if (!video.hasAttribute("src")) {
      video.preload = "metadata";
      video.src = video.dataset.src;
    }
  };
  const unload = (video) => {
    video.pause();
    video.removeAttribute("poster");
    if (video.hasAttribute("src")) {
      video.removeAttribute("src");
      video.load();
    }
  };

  const looped = () => the("loop").checked;
  const speed = () => Number(the("speed").value);

  // Videos that run as one: the longest leads, the others are set to its time.
  class Together {
    constructor(videos, shown) {
      this.videos = videos;
      this.shown = shown;
      this.playing = false;
      this.time = 0;
    }
    get ready() { return this.videos().filter((one) => one.hasAttribute("src") && one.readyState > 0); }
    get leader() { return this.ready.reduce((best, one) => (!best || one.duration > best.duration ? one : best), null); }
    get length() { // as it was, while nothing is loaded
      this.known = this.leader ? this.leader.duration : this.known;
      return this.known || 0;
    }
    play() {
      if (this.leader && this.time >= this.length - 0.05) this.seek(0);
      this.playing = true;
      this.tick();
      this.shown(this);
    }
    pause() {
      this.playing = false;
      for (const one of this.videos()) one.pause();
      this.shown(this);
    }
    toggle() { if (this.playing) this.pause(); else this.play(); }
    seek(time) {
      this.time = Math.max(0, Math.min(time, this.length || 0));
      for (const one of this.ready) one.currentTime = Math.min(this.time, one.duration);
      this.shown(this);
    }
    tick() {
      if (!this.playing) return;
      const leader = this.leader;
      if (leader) {
        if (leader.ended) {
          if (!looped()) { this.pause(); this.seek(this.length); return; }
          for (const one of this.ready) one.currentTime = 0;
        }
        if (leader.paused) {
          if (Math.abs(leader.currentTime - this.time) > APART && !leader.ended) leader.currentTime = this.time;
          leader.play().catch(() => {});
        } else this.time = leader.currentTime;
        for (const one of this.ready) {
          one.playbackRate = speed();
          if (one === leader || one.seeking || this.time >= one.duration) continue;
          if (Math.abs(one.currentTime - this.time) > APART * Math.max(1, speed())) one.currentTime = this.time;
          if (one.paused) one.play().catch(() => {});
        }
        this.shown(this);
      }
      requestAnimationFrame(() => this.tick());
    }
  }

  const rows = all(".row").map((element) => {
    const scrub = element.querySelector(".scrub"), button = element.querySelector(".toggle");
    const clock = element.querySelector(".clock"), videos = all("video", element);
    const row = new Together(() => videos, (it) => {
      button.textContent = it.playing ? "Pause" : "Play";
      clock.textContent = `${it.time.toFixed(1)} s`;
      if (document.activeElement !== scrub || it.playing) scrub.value = it.length ? (1000 * it.time) / it.length : 0;
    });
    row.element = element;
    row.cells = all(".cell", element);
    button.addEventListener("click", () => row.toggle());
    scrub.addEventListener("input", () => row.seek((row.length * Number(scrub.value)) / 1000));
    for (const video of videos) {
      video.addEventListener("loadedmetadata", () => { if (row.time && !row.playing) video.currentTime = Math.min(row.time, video.duration); });
      video.addEventListener("click", () => row.toggle());
    }
    return row;
  });
  addEventListener("load", () => rows.forEach((row) => row.videos().forEach((one) => near.observe(one)))); // the page first
  const rowOf = (cell) => rows[Number(cell.closest(".row").dataset.row)];
  const away = new IntersectionObserver((seen) => {
    for (const one of seen) if (!one.isIntersecting) rows[Number(one.target.dataset.row)].pause();
  });
  for (const row of rows) away.observe(row.element);

  // The columns of all rows stay beneath each other.
  const strips = all(".cells");
  let moving = null;
  for (const one of strips) {
    one.addEventListener("scroll", () => {
      if (moving && moving !== one) return;
      moving = one;
      for (const other of strips) if (other !== one) other.scrollLeft = one.scrollLeft;
      requestAnimationFrame(() => { moving = null; });
    });
  }

  the("speed").addEventListener("change", () => all("video").forEach((one) => { one.playbackRate = speed(); }));
  the("size").addEventListener("input", () => document.body.style.setProperty("--cell", `${the("size").value}px`));
  for (const [id, look] of [["strips", "with-strips"], ["heats", "with-heats"], ["starred", "only-starred"]]) {
    the(id).addEventListener("change", () => document.body.classList.toggle(look, the(id).checked));
  }

  // Stars
  const starName = (cell) => `${cell.closest(".row").dataset.row}/${labelOf(cell.dataset.column)}`;
  const showStars = () => {
    for (const cell of all(".cell")) {
      const on = Boolean(kept.stars[starName(cell)]), button = cell.querySelector(".star");
      cell.classList.toggle("is-starred", on);
      if (button) { button.setAttribute("aria-pressed", on); button.textContent = on ? "★" : "☆"; }
    }
    columns.forEach((column, number) => {
      const count = all(`.cell.is-starred[data-column="${number}"]`).length;
      column.querySelector(".stars").textContent = count ? `★ ${count}` : "";
    });
  };
  const star = (cell) => {
    const key = starName(cell);
    if (kept.stars[key]) delete kept.stars[key]; else kept.stars[key] = true;
    keep();
    showStars();
  };
  for (const button of all(".star")) button.addEventListener("click", () => star(button.closest(".cell")));
  showStars();

  // Notes
  columns.forEach((column, number) => {
    const note = column.querySelector(".note");
    note.value = kept.notes[labelOf(number)] || "";
    note.addEventListener("input", () => { kept.notes[labelOf(number)] = note.value; keep(); });
  });
  const written = () => ({
    review: `sha256:${review.digest}`,
    job: review.job,
    stars: Object.keys(kept.stars).sort().map((key) => {
      const at = key.indexOf("/");
      return { checkpoint: key.slice(at + 1), sample: Number(key.slice(0, at)) + 1 };
    }),
    notes: Object.fromEntries(Object.entries(kept.notes).filter(([, text]) => text.trim())),
  });
  the("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${JSON.stringify(written(), null, 2)}\n`], { type: "application/json" }));
    link.download = "review-notes.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  // Two checkpoints of one sample
  const dialog = the("comparison"), pair = the("pair"), ends = [the("one"), the("two")];
  const both = new Together(() => ends, (it) => {
    the("both").textContent = it.playing ? "Pause" : "Play";
    the("where").value = it.length ? (1000 * it.time) / it.length : 0;
  });
  const show = () => {
    const row = rows[Number(the("sample").value)], time = both.time, playing = both.playing;
    both.pause();
    [the("left"), the("right")].forEach((select, side) => {
      const video = row.cells[Number(select.value)].querySelector("video"), end = ends[side];
      the(side ? "right-side" : "left-side").textContent = labelOf(select.value);
      if (!video) { end.removeAttribute("src"); end.load(); return; }
      end.src = video.dataset.src;
      end.addEventListener("loadedmetadata", () => { end.currentTime = Math.min(time, end.duration); if (playing) both.play(); }, { once: true });
    });
    both.time = time;
  };
  const compare = (cell) => {
    const number = Number(cell.dataset.column), row = rowOf(cell);
    const incumbent = row.cells.findIndex((one) => one.classList.contains("serves") && one.querySelector("video"));
    const left = incumbent >= 0 && incumbent !== number ? incumbent : Math.max(0, number - 1);
    the("left").value = left === number ? Math.min(number + 1, columns.length - 1) : left;
    the("right").value = number;
    the("sample").value = rows.indexOf(row);
    rows.forEach((one) => one.pause());
    dialog.showModal();
    the("both").focus();
    show();
  };
  for (const button of all(".compare")) button.addEventListener("click", () => compare(button.closest(".cell")));
  for (const id of ["left", "right", "sample"]) the(id).addEventListener("change", show);
  const wipe = (to) => { the("wipe").value = to; pair.style.setProperty("--wipe", `${the("wipe").value}%`); };
  the("wipe").addEventListener("input", () => wipe(the("wipe").value));
  pair.addEventListener("pointermove", (event) => {
    if (event.buttons) { const box = pair.getBoundingClientRect(); wipe((100 * (event.clientX - box.left)) / box.width); }
  });
  the("beside").addEventListener("change", () => pair.classList.toggle("beside", the("beside").checked));
  the("where").addEventListener("input", () => both.seek((both.length * Number(the("where").value)) / 1000));
  the("both").addEventListener("click", () => both.toggle());
  the("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    both.pause();
    for (const one of ends) { one.removeAttribute("src"); one.load(); }
  });

  // Keys
  const typing = (target) => target.matches("textarea, select, input:not([type=checkbox])");
  const focused = () => document.activeElement.closest(".cell");
  const go = (cell, down, right) => {
    const row = rows.indexOf(rowOf(cell)) + down;
    const to = rows[row] && rows[row].cells[Number(cell.dataset.column) + right];
    if (to) { to.focus(); to.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  };
  const inDialog = {
    ArrowLeft: () => wipe(Number(the("wipe").value) - 5),
    ArrowRight: () => wipe(Number(the("wipe").value) + 5),
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    " ": () => both.toggle(),
    w: () => the("beside").click(),
  };
  const step = (by) => {
    const to = Number(the("sample").value) + by;
    if (rows[to]) { the("sample").value = to; show(); }
  };
  const onCell = {
    ArrowLeft: (cell) => go(cell, 0, -1),
    ArrowRight: (cell) => go(cell, 0, 1),
    ArrowUp: (cell) => go(cell, -1, 0),
    ArrowDown: (cell) => go(cell, 1, 0),
    " ": (cell) => rowOf(cell).toggle(),
    ",": (cell) => { rowOf(cell).pause(); rowOf(cell).seek(rowOf(cell).time - 1 / 24); },
    ".": (cell) => { rowOf(cell).pause(); rowOf(cell).seek(rowOf(cell).time + 1 / 24); },
    s: (cell) => star(cell),
    c: (cell) => { if (cell.querySelector("video")) compare(cell); },
    n: (cell) => columns[Number(cell.dataset.column)].querySelector(".note").focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    if (dialog.open) {
      if (inDialog[event.key] && !(event.key === " " && event.target.matches("button"))) { inDialog[event.key](); event.preventDefault(); }
      return;
    }
    const cell = focused();
    if (cell && onCell[event.key] && !(event.key === " " && event.target.matches("button"))) {
      onCell[event.key](cell);
      event.preventDefault();
    }
  });

  // Choose: there only where wanctl itself shows the page.
  const coloured = (diff) => diff.trimEnd().split("\n").map((text) => {
    const line = document.createElement("span");
    line.className = /^[+](?![+][+] )/.test(text) ? "add" : /^-(?!-- )/.test(text) ? "del" : "";
    line.textContent = text;
    return line;
  });
  const disable = (off) => all(".choose").forEach((one) => { one.disabled = off; });
  for (const button of all(".choose")) {
    button.addEventListener("click", async () => {
      const column = Number(button.closest(".candidate").dataset.column), box = the("chosen");
      let said, taken = false, diff = "";
      disable(true);
      try {
        const answer = await fetch("choose", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ address: button.dataset.address, column, notes: written() }),
        });
        ({ said, diff = "" } = await answer.json());
        taken = answer.ok;
      } catch { said = "Nothing was written: wanctl does not answer any more."; }
      disable(taken);
      box.hidden = false;
      box.querySelector(".said").textContent = said;
      box.querySelector(".diff").replaceChildren(...coloured(diff));
      box.querySelector(".ended").hidden = !taken;
      box.scrollIntoView();
    });
  }
})();
