// Choices (data set, measure), sorting, hiding of series and columns, the theme, and lazily loaded data.
"use strict";

const maskbench = (() => {
  const waiting = new Map();

  // Loads `address` once and resolves with what it hands to receive(name, data); works from file:// too.
  function load(name, address) {
    if (!waiting.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      waiting.set(name, entry);
      const script = document.createElement("script");
      script.src = address;
      script.onerror = () => entry.reject(new Error(`could not load ${address}`));
      document.head.append(script);
    }
    return waiting.get(name).promise;
  }

  function receive(name, data) {
    waiting.get(name)?.resolve(data);
  }

  // An element with properties and children.
  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Sorts each body of a table by a column, best first; the next call reverses it. Headings and the noisy input stay.
  function value(row, index) {
    const raw = row.cells[index].dataset.value ?? row.cells[index].textContent;
    const number = Number(raw);
    return Number.isFinite(number) ? number : raw === "nan" ? null : raw;
  }
  function sortRows(table, head, index, higher) {
    const before = head.getAttribute("aria-sort");
    const first = head.dataset.sort === "number" && higher ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const order = before === first ? other : first;
    for (const one of table.querySelectorAll("[aria-sort]")) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    for (const body of table.tBodies) {
      if (body.matches(".heading, .reference")) continue;
      body.append(...[...body.rows].sort((a, b) => {
        const [left, right] = [value(a, index), value(b, index)];
        if (left === null || right === null) return (left === null) - (right === null);
        return sign * (typeof left === "number" && typeof right === "number"
          ? left - right : String(left).localeCompare(String(right)));
      }));
    }
  }

  return { load, receive, make, sortRows };
})();
window.maskbench = maskbench;

(() => {
  const root = document.documentElement;

  // Theme.
  const toggle = document.querySelector("[data-theme-toggle]");
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const nameToggle = () => { toggle.textContent = dark() ? "Light" : "Dark"; };
  if (toggle) {
    toggle.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("maskbench-theme", root.dataset.theme); } catch (error) { /* private window */ }
      nameToggle();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameToggle);
    nameToggle();
  }

  // Choices: a variant is shown if it matches all choices that it depends on.
  const choices = new Map();
  const controls = [...document.querySelectorAll("[data-choice]")];
  const variants = [...document.querySelectorAll(".variant")];
  const conditions = (variant) =>
    Object.entries(variant.dataset)
      .filter(([key]) => key.startsWith("when"))
      .map(([key, value]) => [key.slice(4).toLowerCase(), value]);

  function choose(key, value) {
    choices.set(key, value);
    for (const control of controls) {
      if (control.dataset.choice !== key) continue;
      if (control.type === "radio") control.checked = control.value === value;
      else control.value = value;
    }
    for (const variant of variants) {
      const shown = conditions(variant).every(([name, wanted]) => (choices.get(name) ?? wanted) === wanted);
      variant.classList.toggle("chosen", shown);
    }
  }
  for (const variant of variants) {
    for (const [key, value] of conditions(variant)) if (!choices.has(key)) choices.set(key, value);
  }
  for (const control of controls) {
    control.addEventListener("change", () => choose(control.dataset.choice, control.value));
  }
  // A browser may restore the controls of before a reload: start from the first of each.
  for (const [key, value] of [...choices]) choose(key, value);

  // Columns: the mean of each noise, the levels of one, or everything.
  const columns = document.querySelector("[data-columns]");
  const shows = (cell) => {
    const { group } = cell.dataset;
    if (group === "" || columns.value === "all") return true;
    return columns.value === "means" ? !("level" in cell.dataset) : columns.value === `of ${group}`;
  };
  if (columns) {
    const filter = () => {
      for (const table of document.querySelectorAll("table.leaderboard")) {
        const cells = [...table.querySelectorAll("[data-group]:not(.group)")];
        for (const cell of cells) cell.hidden = !shows(cell);
        const heads = [...table.tHead.rows[1].cells];
        for (const group of table.tHead.querySelectorAll(".group")) {
          const shown = heads.filter((head) => head.dataset.group === group.dataset.group && !head.hidden).length;
          group.hidden = shown === 0;
          group.colSpan = Math.max(shown, 1);
        }
      }
    };
    columns.addEventListener("change", filter);
    filter();
  }

  // Filter of the models by name.
  const names = document.querySelector("[data-filter]");
  names?.addEventListener("input", () => {
    const wanted = names.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(".leaderboard tbody:not(.heading, .reference) tr")) {
      const name = `${row.cells[0].dataset.value} ${row.cells[0].textContent}`;
      row.hidden = !name.toLowerCase().includes(wanted);
    }
  });

  // Filters of a board: only submissions with all checked flags; ranks are among those that are shown.
  const flags = [...document.querySelectorAll("[data-flag]")];
  const words = (text) => text.split(" ").filter(Boolean);
  const choosePassing = () => {
    const wanted = flags.filter((box) => box.checked).map((box) => box.dataset.flag);
    for (const body of document.querySelectorAll(".submissions tbody:not(.heading, .reference)")) {
      const rows = [...body.rows];
      for (const row of rows) {
        const passed = words(row.dataset.flags);
        row.hidden = !wanted.every((flag) => passed.includes(flag));
      }
      const shown = new Set(rows.filter((row) => !row.hidden).map((row) => row.dataset.key));
      for (const row of rows) {
        const count = (keys) => words(keys).filter((key) => shown.has(key)).length;
        const [first, last] = [1 + count(row.dataset.better), shown.size - count(row.dataset.worse)];
        const [, rank, mean] = row.cells;
        rank.dataset.value = first + last / 1000;
        rank.textContent = shown.size < 2 ? "" : first === last ? first : `${first}–${last}`;
        mean.classList.toggle("best", shown.size > 1 && first === 1);
      }
    }
    for (const row of document.querySelectorAll(".submissions tr[data-series-class]")) {
      for (const part of document.querySelectorAll(`.costs .${row.dataset.seriesClass}`)) {
        part.style.display = row.hidden ? "none" : "";
      }
    }
  };
  for (const box of flags) {
    box.checked = false; // a browser may restore the boxes of before a reload
    box.addEventListener("change", choosePassing);
  }

  // Sorting; the noisy input is in a body of its own, which is not sorted.
  for (const table of document.querySelectorAll("table.leaderboard")) {
    const [top, second] = table.tHead.rows;
    const [name, rank, ...others] = [...top.cells].filter((head) => head.dataset.sort);
    const heads = [name, rank, ...second.cells, ...others];
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => maskbench.sortRows(table, head, index, table.dataset.higher === "1" && head !== rank));
    });
  }

  // Series of the charts.
  for (const button of document.querySelectorAll("[data-series]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      for (const part of document.querySelectorAll(`.multiples .${button.dataset.series}`)) {
        part.style.display = shown ? "" : "none";
      }
    });
  }

  // Values of the charts: at once, where the browser's own hover texts wait.
  const tip = maskbench.make("div", { className: "tip", hidden: true });
  const pointAt = (event) => {
    const part = event.target.closest?.("svg.chart a");
    const title = part?.querySelector("title");
    if (title) {
      part.setAttribute("aria-label", title.textContent);
      title.remove();
    }
    tip.textContent = part?.getAttribute("aria-label") ?? "";
    tip.hidden = !tip.textContent;
    if (tip.hidden) return;
    const [box, room] = [part.getBoundingClientRect(), document.documentElement.clientWidth - tip.offsetWidth - 8];
    tip.style.left = `${Math.max(8, Math.min(room, box.x + box.width / 2 - tip.offsetWidth / 2)) + scrollX}px`;
    tip.style.top = `${(box.y > tip.offsetHeight + 8 ? box.y - tip.offsetHeight - 8 : box.bottom + 8) + scrollY}px`;
  };
  document.body.append(tip);
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, pointAt);

  // The command.
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch (error) {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }

  performance.mark("ready"); // read by tests/benchmarks/site.py
})();
