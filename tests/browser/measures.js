// What a reader would see, measured in the page. Each function gives a list of complaints, empty when all is well.
({
  // Text whose colour is too near to its ground (WCAG 2.2, 1.4.3: 4.5 to 1), as it is painted just now.
  faint() {
    const channels = (colour) => {
      const found = colour.match(/[\d.]+/g).map(Number);
      return { rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1 };
    };
    const over = (top, ground) => top.rgb.map((part, at) => part * top.alpha + ground[at] * (1 - top.alpha));
    const luminance = (rgb) => {
      const [red, green, blue] = rgb
        .map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
      const under = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
      return over(channels(getComputedStyle(element).backgroundColor), under);
    };
    const groundOf = (element) => {
      const box = element.closest("g")?.querySelector("rect");
      return box ? over(channels(getComputedStyle(box).fill), ground(box.closest("svg"))) : ground(element);
    };
    const complaints = new Set();
    const compare = (element, colour, text) => {
      const [ink, paper] = [over(channels(colour), groundOf(element)), groundOf(element)].map(luminance);
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      if (ratio < 4.5) complaints.add(`${ratio.toFixed(2)}: ${element.tagName} ${element.className} "${text}"`);
    };
    const texts = document.createTreeWalker(document.body ?? document.documentElement, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.data.trim();
      const element = texts.currentNode.parentElement;
      if (!text || ["STYLE", "title"].includes(element.tagName) || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      compare(element, element instanceof SVGElement ? style.fill : style.color, text.slice(0, 40));
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      const before = getComputedStyle(element, "::before");
      if (before.content !== "none") compare(element, before.color, element.dataset.label);
    }
    return [...complaints];
  },

  // The ground and the ink of the page, to tell one scheme from the other.
  colours() {
    const style = getComputedStyle(document.body);
    return [style.backgroundColor, style.color];
  },

  // What makes the whole page scroll sideways.
  sideways() {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")]
      .filter((element) => !element.parentElement.closest(".scroll, pre"))
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
      .map((element) => `${element.tagName} ${element.className.baseVal ?? element.className}`);
    return [`${scrollWidth} > ${clientWidth}: ${wide.slice(0, 5)}`];
  },

  // Words that stand in each other or are cut off: every line of text against every other in its part of the page.
  collisions() {
    const lines = [];
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { data, parentElement } = texts.currentNode;
      if (!data.trim() || !parentElement.checkVisibility() || parentElement.closest("svg, thead")) continue;
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      for (const box of range.getClientRects())
        if (box.width > 1) lines.push({ box, text: texts.currentNode.data.trim().slice(0, 40) });
    }
    lines.sort((one, other) => one.box.top - other.box.top);
    const found = [];
    lines.forEach(({ box, text }, at) => {
      for (const next of lines.slice(at + 1)) {
        if (next.box.top >= box.bottom) break;
        const across = Math.min(box.right, next.box.right) - Math.max(box.left, next.box.left);
        const down = Math.min(box.bottom, next.box.bottom) - next.box.top;
        if (across > 2 && down > box.height / 2) found.push(`"${text}" and "${next.text}"`);
      }
    });
    return found;
  },

  // Boxes of the lineage that touch, leave the picture or are left by their text.
  misplaced() {
    const picture = document.querySelector("svg.lineage");
    const view = picture.viewBox.baseVal;
    const boxes = [...picture.querySelectorAll("g.node")].map((node) => {
      const { x, y, width, height } = node.querySelector("rect").getBBox();
      const { e, f } = node.transform.baseVal.consolidate().matrix;
      return { node, left: x + e, top: y + f, right: x + e + width, bottom: y + f + height, width, height };
    });
    const found = [];
    boxes.forEach((box, at) => {
      const name = box.node.querySelector("title").textContent;
      if (box.left < 0 || box.top < 0 || box.right > view.width || box.bottom > view.height)
        found.push(`${name} leaves the picture`);
      for (const text of box.node.querySelectorAll("text")) {
        const { x, y, width, height } = text.getBBox();
        if (x < 4 || y < 0 || x + width > box.width - 4 || y + height > box.height)
          found.push(`"${text.textContent}" is ${Math.round(width)} wide in a box of ${box.width}`);
      }
      for (const other of boxes.slice(at + 1))
        if (box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom)
          found.push(`${name} touches ${other.node.querySelector("title").textContent}`);
    });
    return found;
  },

  // What a reader who hears the page, or steers it by keys, would miss.
  unheard() {
    const found = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    if (!document.title.trim()) found.push("no title");
    if (!document.documentElement.lang) found.push("no language");
    if (all("main").length !== 1) found.push("not one main part");
    const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
    if (levels[0] !== 1 || levels.filter((level) => level === 1).length !== 1) found.push(`headings ${levels}`);
    levels.slice(1).forEach((level, at) => {
      if (level > levels[at] + 1) found.push(`heading ${level} below ${levels[at]}`);
    });
    for (const table of all("table")) {
      const columns = [...table.querySelectorAll("thead th")];
      if (!columns.length || columns.some((one) => one.scope !== "col" || !one.textContent.trim()))
        found.push("a table without heads of columns");
      for (const row of table.querySelectorAll("tbody tr"))
        if (row.cells.length !== columns.length) found.push(`a row of ${row.cells.length} cells`);
    }
    for (const picture of all("img, svg, video, progress")) {
      const name = picture.getAttribute("alt") || picture.getAttribute("aria-label");
      if (!name?.trim()) found.push(`${picture.tagName} without a name`);
    }
    for (const region of all("main *")) {
      const { overflowX } = getComputedStyle(region);
      const scrolls = ["auto", "scroll"].includes(overflowX) && region.scrollWidth > region.clientWidth;
      if (scrolls && region.tabIndex < 0) found.push(`${region.tagName} ${region.className} scrolls, but not by keys`);
    }
    return found;
  },

  // What paper would not show: folded text, and what only scrolling brings into view.
  unprinted() {
    const found = [...document.querySelectorAll("details > :not(summary)")]
      .filter((element) => !element.checkVisibility())
      .map((element) => `folded: ${element.textContent.slice(0, 40)}`);
    for (const region of document.querySelectorAll("main *"))
      if (region.scrollWidth > region.clientWidth + 1 && getComputedStyle(region).overflowX !== "visible")
        found.push(`cut: ${region.tagName} ${region.className.baseVal ?? region.className}`);
    for (const picture of document.querySelectorAll("svg"))
      if (picture.getBoundingClientRect().right > document.documentElement.clientWidth) found.push("cut: the picture");
    return found;
  },

  // What could change something, or lead away.
  doors() {
    const doors = "form, button, input, select, textarea, a[href], area, iframe, object, embed, script, base";
    return [...document.querySelectorAll(doors)].map((element) => element.outerHTML);
  },
})
