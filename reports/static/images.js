// The page of images: controls, the pictures of one image, the table of all images. The state is in the address.
"use strict";

(() => {
  const gallery = document.querySelector("[data-images]");
  if (!gallery) return;
  const { load, make, sortRows } = maskbench;
  const part = (name) => document.querySelector(`[data-${name}]`);
  const [controls, caption, tiles, sources, table] = ["controls", "caption", "tiles", "sources", "table"].map(part);
  const partsElement = part("parts");
  const viewer = maskbench.viewer(part("stage"), gallery, remember);
  const [NOISY, CLEAN, SHOWN, LONGEST] = ["noisy", "clean", 4, 500];
  const TITLES = { [NOISY]: "noisy input", [CLEAN]: "clean" };
  const title = (source) => TITLES[source] ?? index.models.find((one) => one.name === source)?.label ?? source;
  let index = null; // the data sets, noises, models and measures of the run
  let cell = null; // one data set under one noise, or under a mean of several
  let parts = []; // [noise, its cell] for each setting behind a mean
  let state = { dataset: "", noise: "", image: "", seed: "", model: "", measure: "psnr", show: [], error: 0 };

  const measure = () => index.measures.find((one) => one.key === state.measure) ?? index.measures[0];
  const score = (source, at, key) => cell.scores[key]?.[source]?.[at] ?? null;
  const text = (value, one) => (value === null ? "" : value.toFixed(one.digits).replace("-", "\u2212"));
  const models = () => index.models.map((one) => one.name);
  const noiseOf = (spec) => index.noises.find((one) => one.spec === spec);
  const address = (dataset, noise) =>
    index.cells[`${index.datasets.indexOf(dataset)}-${index.noises.findIndex((one) => one.spec === noise)}`];
  const currentIndex = () => cell.images.findIndex((image, at) =>
    image === state.image && (state.seed === "" || String(cell.seeds[at]) === String(state.seed)));

  // Selects what is asked for as far as the run has it, loads its scores and draws.
  async function go(wish) {
    const next = { ...state, ...wish };
    const noises = index.noises.map((one) => one.spec);
    if (!index.datasets.includes(next.dataset)) [next.dataset] = index.datasets;
    const known = [next.noise, ...index.first, ...noises].find((noise) => address(next.dataset, noise));
    if (!known) return;
    next.noise = known;
    const get = (noise) => {
      const file = address(next.dataset, noise);
      return load(file.replace(/^.*\/|\.js$/g, ""), file);
    };
    const of = (noiseOf(next.noise).of ?? []).filter((noise) => address(next.dataset, noise));
    const [loaded, ...rest] = await Promise.all([next.noise, ...of].map(get));
    [cell, parts, state] = [loaded, of.map((noise, at) => [noise, rest[at]]), next];
    if (!models().includes(state.model) && state.model !== NOISY) state.model = "";
    if (currentIndex() < 0) chooseIndex(cell.images.includes(state.image) ? cell.images.indexOf(state.image) : firstIndex());
    if (!state.show.length) state.show = [NOISY, state.model && state.model !== NOISY ? state.model : best(), CLEAN];
    draw();
  }

  const chooseIndex = (at) => Object.assign(state, { image: cell.images[at], seed: String(cell.seeds[at]) });

  // Indices of the images with pictures: under this noise, or under one of the settings behind a mean.
  function pictured() {
    const elsewhere = new Set(parts.flatMap(([, part]) => Object.keys(part.pictures).map((at) => part.images[at])));
    return cell.images.flatMap((image, at) => (at in cell.pictures || elsewhere.has(image) ? [at] : []));
  }

  // Index of the worst image of the selected model, among those with pictures if there are any.
  function firstIndex() {
    const candidates = pictured().length ? pictured() : cell.images.map((_, at) => at);
    if (!state.model) return candidates[0];
    const value = (at) => score(state.model, at, "psnr") ?? Infinity;
    return candidates.reduce((low, at) => (value(at) < value(low) ? at : low), candidates[0]);
  }

  function best() {
    const means = models().map((name) => [name, mean(cell.scores.psnr?.[name] ?? []) ?? -Infinity]);
    return means.reduce((top, one) => (one[1] > top[1] ? one : top), ["", -Infinity])[0];
  }

  function mean(values) {
    const known = values.filter((value) => value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  }

  function draw() {
    const at = currentIndex();
    const files = cell.pictures[at] ?? {};
    const all = [NOISY, ...models(), CLEAN].filter((source) => source in files);
    const described = all.map((source) => ({
      source, title: title(source), file: files[source], psnr: text(score(source, at, "psnr"), index.measures[0]),
      ssim: text(score(source, at, "ssim"), { digits: 4 }), alt: `${title(source)}: ${state.image} under ${state.noise}`,
    }));
    const role = cell.roles[at] ? `, ${cell.roles[at]} image under this noise` : "";
    const seed = new Set(cell.seeds).size > 1 ? `, seed ${state.seed}` : "";
    caption.replaceChildren(make("bdi", {}, state.image), " ", make("small", {}, make("bdi", {}, state.dataset), ", ",
      make("bdi", {}, state.noise), seed + role));
    sources.parentElement.classList.toggle("bare", !all.length && !parts.length);
    viewer.show(described.filter((one) => state.show.includes(one.source)), files[CLEAN], state.error);
    drawTiles(described, files[CLEAN], at);
    drawSources(at, files);
    drawParts();
    drawControls();
    drawTable();
    remember();
  }

  function drawTiles(described, clean, at) {
    const top = Math.max(...models().map((name) => score(name, at, "psnr") ?? -Infinity));
    tiles.hidden = described.length === 0;
    tiles.style.setProperty("--columns", Math.ceil(described.length / Math.ceil(described.length / 6)));
    tiles.replaceChildren(...described.map((one) => {
      const pixels = make("div", { className: "frame pixels" }, make("img", { src: one.file, alt: one.alt }));
      maskbench.errors(pixels, clean, state.error);
      const isBest = models().includes(one.source) && score(one.source, at, "psnr") === top;
      return make("figure", { className: isBest ? "tile best" : "tile" }, pixels,
        make("figcaption", {}, make("span", { className: "label" }, make("bdi", {}, one.title)),
          make("span", { className: "scores" },
            make("span", { className: "psnr" }, one.psnr ? `${one.psnr} dB` : ""), make("span", {}, one.ssim))));
    }));
  }

  // The scores of this image, with check boxes for the pictures in the comparison.
  function drawSources(at, files) {
    const value = (name) => score(name, at, "psnr") ?? -Infinity;
    const kept = Object.keys(files).length > 0;
    const own = index.measures.filter((one) => one.key !== "drop"); // a PSNR drop is not a score of one picture
    const ordered = [...models().sort((a, b) => value(b) - value(a)), NOISY, CLEAN].filter((one) => kept || one !== CLEAN);
    const head = make("tr", {}, make("th", { scope: "col" }, kept ? "Compare" : "Model"),
      ...own.map((one) => make("th", { scope: "col", className: "figure-column" }, one.title)));
    const rows = ordered.map((source) => {
      const box = make("input", { type: "checkbox", checked: state.show.includes(source) && source in files,
        disabled: !(source in files) });
      box.addEventListener("change", () => compare(source, box.checked));
      const reason = cell.failed[source]?.[at];
      const texts = own.map((one) => text(score(source, at, one.key), one));
      const failure = reason === undefined ? "" : make("small", { className: "failed" }, `failed: ${reason}`);
      return make("tr", { className: value(source) === value(ordered[0]) && source !== CLEAN ? "best" : "" },
        make("th", { scope: "row" }, make("label", {}, kept ? box : "", swatch(source), make("bdi", {}, title(source))), failure),
        ...texts.map((one) => make("td", { className: "figure-column" }, one)));
    });
    const note = parts.length || kept ? [] : [make("p", { className: "note" },
      "The run saved no pictures of this image. ", make("code", {}, "bench run --pictures N"),
      " saves those of the first N images of each data set.")];
    sources.replaceChildren(...note, make("table", { className: "plain" }, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  // The settings behind a mean: the scores of this image under each of them, with a button that shows it there.
  function drawParts() {
    const one = measure();
    const shown = [NOISY, ...models()].filter((name) => one.key in cell.scores && name in cell.scores[one.key]);
    const head = make("tr", {}, make("th", { scope: "col" }, `${one.title} by noise`),
      ...shown.map((name) => make("th", { scope: "col", className: "figure-column" }, make("bdi", {}, title(name)))));
    const rows = parts.map(([noise, part]) => {
      const open = make("button", { type: "button", className: "opens" }, make("bdi", {}, noise));
      open.addEventListener("click", () => go({ noise }));
      const ats = part.images.flatMap((image, at) => (image === state.image ? [at] : []));
      const value = (name) => mean(ats.map((at) => part.scores[one.key]?.[name]?.[at] ?? null));
      return make("tr", {}, make("th", { scope: "row" }, open),
        ...shown.map((name) => make("td", { className: "figure-column" }, text(value(name), one) || "–")));
    });
    const whole = make("table", { className: "plain images-table" }, make("thead", {}, head), make("tbody", {}, ...rows));
    partsElement.hidden = parts.length === 0;
    partsElement.replaceChildren(...(parts.length ? [scrolling(whole, "Scores of this image by noise")] : []));
  }

  function scrolling(table_, name) {
    const scroll = make("div", { className: "scroll", tabIndex: 0 }, table_);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", name);
    return scroll;
  }

  function swatch(source) {
    const colour = index.models.find((one) => one.name === source)?.colour ?? "--noisy";
    const dot = make("span", { className: "dot" });
    dot.style.background = `var(${colour})`;
    return dot;
  }

  function compare(source, checked) {
    let show = state.show.filter((one) => one !== source);
    if (checked) show = [...show.slice(-(SHOWN - 1)), source];
    state.show = show;
    draw();
  }

  function drawControls() {
    const names = [...new Set(index.noises.filter((one) => address(state.dataset, one.spec)).map((one) => one.name))];
    const here = index.noises.find((one) => one.spec === state.noise);
    const levels = index.noises.filter((one) => one.name === here.name && address(state.dataset, one.spec));
    const ofName = (name) => index.noises.filter((one) => one.name === name && address(state.dataset, one.spec));
    const middle = (list) => {
      const settings = list.filter((one) => !one.of);
      return (settings[(settings.length - 1) >> 1] ?? list[0]).spec;
    };
    const list = [];
    if (index.datasets.length > 1) {
      list.push(select("Data set", index.datasets, state.dataset, (dataset) => go({ dataset, image: "", seed: "" })));
    }
    if (names.length > 1) list.push(select("Noise", names, here.name, (name) => go({ noise: middle(ofName(name)) })));
    if (levels.length > 1) {
      list.push(segments("Level", levels.map((one) => [one.spec, one.label]), state.noise, (noise) => go({ noise })));
    }
    if (pictured().length) list.push(...ofPictures());
    const focused = document.activeElement?.dataset?.control;
    controls.replaceChildren(...list);
    if (focused) [...controls.querySelectorAll("[data-control]")].find((one) => one.dataset.control === focused)?.focus();
  }

  function ofPictures() {
    const zoom = segments("Zoom", [1, 2, 4, 8].map((one) => [String(one), `${one}×`]), String(viewer.view().zoom), (value) => {
      viewer.setView({ zoom: Number(value) });
      remember();
    });
    const errors = segments("Show", [["0", "pictures"], ["4", "error ×4"], ["12", "error ×12"]], String(state.error), (value) => {
      state.error = Number(value);
      draw();
    });
    return [zoom, errors];
  }

  function select(legend, options, chosen, pick) {
    const list = make("select", {}, ...options.map((one) => make("option", { value: one, selected: one === chosen }, one)));
    list.dataset.control = legend;
    list.addEventListener("change", () => pick(list.value));
    return make("label", { className: "choice" }, legend, " ", list);
  }

  function segments(legend, options, chosen, pick) {
    const field = make("fieldset", { className: "choice segments" }, make("legend", {}, legend));
    for (const [value, label] of options) {
      const input = make("input", { type: "radio", name: `images-${legend}`, value, checked: value === chosen });
      input.dataset.control = `${legend} ${value}`;
      input.addEventListener("change", () => pick(value));
      field.append(make("label", {}, input, make("span", {}, label)));
    }
    return field;
  }

  // The table of all images: one metric of every model, sorted by the selected model, its worst image first.
  function drawTable() {
    const one = measure();
    const column = (name) => cell.scores[one.key]?.[name] ?? cell.images.map(() => null);
    const shown = [NOISY, ...models()].filter((name) => cell.failed[name] || column(name).some((value) => value !== null));
    const seeds = new Set(cell.seeds).size > 1;
    const by = shown.includes(state.model) ? state.model : null;
    const value = (at) => (by ? column(by)[at] : null);
    const order = cell.images.map((_, at) => at);
    if (by) order.sort((a, b) => (one.higher ? 1 : -1) * ((value(a) ?? Infinity) - (value(b) ?? Infinity)));
    const heads = [["Image", "text"], ...(seeds ? [["Seed", "number"]] : []), ...shown.map((name) => [title(name), "number"])];
    const head = make("tr", {}, ...heads.map(([label, kind], at) => {
      const cellHead = make("th", { scope: "col", className: at ? "figure-column" : "" }, make("button", { type: "button" }, make("bdi", {}, label)));
      cellHead.dataset.sort = kind;
      if (by && label === title(by)) cellHead.setAttribute("aria-sort", one.higher ? "ascending" : "descending");
      return cellHead;
    }));
    const shownPictures = new Set(pictured());
    const body = make("tbody", {}, ...order.slice(0, LONGEST).map((at) => {
      const open = make("button", { type: "button", className: shownPictures.has(at) ? "pictured" : "" }, make("bdi", {}, cell.images[at]));
      open.addEventListener("click", () => { chooseIndex(at); draw(); gallery.scrollIntoView({ block: "start" }); });
      const top = Math.max(...models().map((name) => (one.higher ? 1 : -1) * (column(name)[at] ?? NaN))
        .filter(Number.isFinite));
      const row = make("tr", {}, make("th", { scope: "row" }, open),
        ...(seeds ? [make("td", { className: "figure-column" }, String(cell.seeds[at]))] : []),
        ...shown.map((name) => {
          const number = column(name)[at];
          const isBest = number !== null && name !== NOISY && (one.higher ? 1 : -1) * number === top;
          const failed = cell.failed[name] && at in cell.failed[name];
          const entry = make("td", { className: `figure-column${isBest ? " best" : ""}${failed ? " failed" : ""}` },
            failed ? "failed" : text(number, one) || "–");
          entry.dataset.value = number ?? "nan";
          return entry;
        }));
      row.cells[0].dataset.value = cell.images[at];
      row.setAttribute("aria-current", String(at === currentIndex()));
      return row;
    }));
    const means = make("tr", {}, make("th", { scope: "row" }, `mean of ${order.length} images`), ...(seeds ? [make("td")] : []),
      ...shown.map((name) => make("td", { className: "figure-column" }, text(mean(column(name)), one))));
    const whole = make("table", { className: "plain images-table" }, make("thead", {}, head), body, make("tfoot", {}, means));
    [...head.cells].forEach((one_, at) => one_.firstChild.addEventListener("click", () => sortRows(whole, one_, at, one.higher)));
    const more = order.length > LONGEST ? [make("p", { className: "note" }, `The first ${LONGEST} of ${order.length} images; all are in `,
      make("a", { href: "tables/rows.csv" }, "all rows (CSV)"), ".")] : [];
    const choice = index.measures.length > 1 ? [make("div", { className: "controls" }, segments("Metric",
      index.measures.map((each) => [each.key, each.title]), one.key,
      (key) => { state.measure = key; drawParts(); drawTable(); remember(); }))] : [];
    table.replaceChildren(...choice, scrolling(whole, "Scores of all images"), ...more);
  }

  // The command that makes the figure of this view: its image, noise, models and, if zoomed in, the visible square.
  function drawCommand() {
    const block = part("figure");
    const at = currentIndex();
    if (!block || !index.command || at < 0) return;
    block.hidden = !(at in cell.pictures);
    if (block.hidden) return;
    const options = [["image", state.image], ["noise", state.noise], ["models", comparedModels().join(", ")],
      ["datasets", index.datasets.length > 1 ? state.dataset : ""],
      ["seed", new Set(cell.seeds).size > 1 ? state.seed : ""], ["metric", ["psnr", "drop"].includes(measure().key) ? "" : measure().key], ["zoom", visibleSquare()]];
    const words = options.filter(([, value]) => value !== "").map(([name, value]) => `--${name} ${quoted(value)}`);
    block.querySelector("code").textContent = [index.command, ...words].join(" ");
    block.querySelector("button").textContent = "Copy";
  }

  // The models that are compared, in their order; none stands for all, which the pictures below show.
  function comparedModels() {
    const shown = models().filter((name) => state.show.includes(name));
    return shown.length > 1 && shown.length < models().length ? shown : [];
  }

  // The largest square inside the visible part, as X,Y,SIDE in pixels; '' if the whole picture is visible.
  function visibleSquare() {
    const image = gallery.querySelector(".pixels img");
    const { zoom, x, y } = viewer.view();
    if (zoom === 1 || !image) return "";
    if (!image.naturalWidth) {
      image.addEventListener("load", drawCommand, { once: true });
      return "";
    }
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const side = Math.max(2, Math.floor(Math.min(width, height) / zoom));
    const start = (length, percent) => {
      const centre = (percent / 100) * (length - length / zoom) + length / zoom / 2;
      return Math.min(length - side, Math.max(0, Math.round(centre - side / 2)));
    };
    return `${start(width, x)},${start(height, y)},${side}`;
  }

  // A word of a command for the shell.
  function quoted(word) {
    if (/^[\w@%+=:,./-]+$/.test(word)) return word;
    return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : `"${word}"`;
  }

  // The address holds the state, so that it can be shared.
  let written = "";
  function remember() {
    if (!index) return;
    const { zoom, x, y } = viewer.view();
    const link = new URLSearchParams(Object.entries(state).filter(([key, value]) => value && key !== "show"));
    if (state.measure === "psnr") link.delete("measure");
    for (const source of state.show) link.append("show", source);
    if (zoom > 1) for (const [key, value] of [["zoom", zoom], ["x", x], ["y", y]]) link.set(key, +value.toFixed(2));
    written = `#${link}`;
    try { history.replaceState(null, "", written); } catch (error) { /* some viewers forbid it */ }
    for (const input of controls.querySelectorAll("input[name=images-Zoom]")) input.checked = Number(input.value) === zoom;
    drawCommand();
  }

  async function follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const wish = Object.fromEntries([...asked].filter(([key]) => key in state && key !== "show"));
    wish.error = Number(wish.error) || 0;
    const blank = { dataset: "", noise: "", image: "", seed: "", model: "", measure: "psnr" };
    viewer.setView({ zoom: Number(asked.get("zoom")) || 1, x: Number(asked.get("x") ?? 50), y: Number(asked.get("y") ?? 50) });
    await go({ ...blank, ...wish, show: asked.getAll("show").slice(0, SHOWN) });
    gallery.dataset.ready = "true";
    performance.mark("ready");
  }

  tiles.addEventListener("click", (event) => {
    const frame = event.target.closest(".frame");
    if (!frame) return;
    viewer.setView(viewer.view().zoom > 1 ? { zoom: 1 } : { zoom: 4, ...viewer.aim(event, frame) });
    remember();
  });
  tiles.addEventListener("pointermove", (event) => {
    const frame = event.target.closest(".frame");
    if (frame && viewer.view().zoom > 1) viewer.setView(viewer.aim(event, frame));
  });

  gallery.addEventListener("keydown", (event) => {
    if (!cell || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select, input")) return;
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const along = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const turn = (list, at, amount) => list[(at + amount + list.length) % list.length];
    if (across) {
      const list = pictured().length ? pictured() : cell.images.map((_, at) => at);
      chooseIndex(turn(list, list.indexOf(currentIndex()), across));
      draw();
    } else if (along) {
      const here = index.noises.filter((one) => address(state.dataset, one.spec)).map((one) => one.spec);
      go({ noise: turn(here, here.indexOf(state.noise), along) });
    } else if (event.key.toLowerCase() === "z") {
      viewer.setView({ zoom: viewer.view().zoom > 1 ? 1 : 4 });
      remember();
    } else if (event.key.toLowerCase() === "e") {
      state.error = state.error ? 0 : 4;
      draw();
    } else if (event.key === "Escape") {
      viewer.setView({ zoom: 1 });
      remember();
    } else {
      return;
    }
    event.preventDefault();
  });

  addEventListener("hashchange", () => { if (location.hash !== written) follow(); });
  load("images", gallery.dataset.images).then((loaded) => { index = loaded; return follow(); });
})();
