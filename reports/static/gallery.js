// Pictures side by side: image, noise, level and seed are chosen; all pictures zoom together.
"use strict";

(() => {
  const gallery = document.querySelector("[data-gallery]");
  if (!gallery) return;
  const controls = gallery.querySelector("[data-gallery-controls]");
  const tiles = gallery.querySelector("[data-gallery-tiles]");
  const caption = gallery.querySelector("[data-gallery-caption]");
  let scenes = [];
  let shown = null;
  let zoom = 1;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const unique = (list) => [...new Set(list)];
  const imageKey = (scene) => JSON.stringify([scene.dataset, scene.image]);

  // The scene nearest to a wish: as many of its parts as can be had, the first named weighing most.
  function nearest(wish) {
    const parts = ["dataset", "image", "noise_name", "noise", "seed"];
    const score = (scene) => parts.reduce((sum, part, place) =>
      sum + (part in wish && String(scene[part]) === String(wish[part]) ? 2 ** (parts.length - place) : 0), 0);
    return scenes.reduce((best, scene) => (score(scene) > score(best) ? scene : best), scenes[0]);
  }

  function tile(one, scene) {
    const image = make("img", { src: one.file, alt: `${one.title}: ${scene.image} under ${scene.noise}` });
    const frame = make("div", { className: "frame" }, image);
    const text = make("figcaption", {}, make("span", { className: "label" }, make("bdi", {}, one.title)));
    const scores = make("span", { className: "scores" });
    if (one.psnr) scores.append(make("span", { className: "psnr" }, `${one.psnr} dB`));
    if (one.ssim) scores.append(" ", make("span", { className: "ssim" }, one.ssim));
    if (one.source === "clean") scores.append(make("span", { className: "ssim" }, "reference"));
    text.append(scores);
    return make("figure", { className: one.best ? "tile best" : "tile" }, frame, text);
  }

  function show(scene, remember = true) {
    shown = scene;
    caption.replaceChildren(
      make("bdi", {}, scene.image), " (", make("bdi", {}, scene.dataset), "), ",
      make("bdi", {}, scene.noise), `, seed ${scene.seed}`);
    tiles.replaceChildren(...scene.tiles.map((one) => tile(one, scene)));
    drawControls();
    if (remember) {
      const { dataset, image, noise, seed } = scene;
      const link = new URLSearchParams({ dataset, image, noise, seed });
      try { history.replaceState(null, "", `#gallery?${link}`); } catch (error) { /* some viewers forbid it */ }
    }
  }

  function segments(legend, name, options, chosen, pick) {
    const field = make("fieldset", { className: "choice segments" }, make("legend", {}, legend));
    for (const [value, text] of options) {
      const input = make("input", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => { pick(value); refocus(name, value); });
      field.append(make("label", {}, input, make("span", {}, text)));
    }
    return field;
  }

  function refocus(name, value) {
    const again = [...controls.querySelectorAll(`input[name="${name}"]`)].find((input) => input.value === value);
    again?.focus({ preventScroll: true });
  }

  function select(title, name, options, chosen, pick) {
    const list = make("select", { name });
    for (const [value, text] of options) list.append(make("option", { value, selected: value === chosen }, text));
    list.addEventListener("change", () => {
      pick(list.value);
      controls.querySelector(`select[name="${name}"]`)?.focus({ preventScroll: true });
    });
    return make("label", { className: "choice" }, title, " ", list);
  }

  function drawControls() {
    const here = scenes.filter((scene) => imageKey(scene) === imageKey(shown));
    const names = unique(here.map((scene) => scene.noise_name));
    const levels = here.filter((scene) => scene.noise_name === shown.noise_name);
    const settings = [...new Map(levels.map((scene) => [scene.noise, scene.label])).entries()];
    const seeds = unique(levels.filter((scene) => scene.noise === shown.noise).map((scene) => String(scene.seed)));
    const datasets = unique(scenes.map((scene) => scene.dataset));
    const { dataset, image, noise_name, noise, seed } = shown;
    const list = [];
    if (datasets.length > 1) {
      list.push(select("Data set", "gallery-dataset", datasets.map((one) => [one, one]), dataset, (value) =>
        show(nearest({ dataset: value, noise_name, noise, seed }))));
    }
    if (names.length > 1) {
      list.push(select("Noise", "gallery-noise", names.map((one) => [one, one]), noise_name, (value) =>
        show(nearest({ dataset, image, noise_name: value, seed }))));
    }
    if (settings.length > 1) {
      list.push(segments("Level", "gallery-level", settings, noise, (value) =>
        show(nearest({ dataset, image, noise_name, noise: value, seed }))));
    }
    if (seeds.length > 1) {
      list.push(select("Seed", "gallery-seed", seeds.map((one) => [one, one]), String(seed), (value) =>
        show(nearest({ dataset, image, noise_name, noise, seed: value }))));
    }
    list.push(segments("Zoom", "gallery-zoom", [1, 2, 4, 8].map((one) => [String(one), `${one}×`]), String(zoom),
      (value) => setZoom(Number(value))));
    controls.replaceChildren(strip(), ...list);
    controls.querySelector(".strip [aria-pressed=true]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  function strip() {
    const images = [...new Map(scenes.filter((scene) => scene.dataset === shown.dataset)
      .map((scene) => [imageKey(scene), scene])).values()];
    const bar = make("div", { className: "strip" });
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Image");
    if (images.length < 2) return bar;
    for (const one of images) {
      const clean = one.tiles.find((each) => each.source === "clean") ?? one.tiles[0];
      const button = make("button", { type: "button", title: one.image },
        make("img", { src: clean.file, alt: one.image, loading: "lazy" }));
      button.setAttribute("aria-pressed", String(imageKey(one) === imageKey(shown)));
      button.addEventListener("click", () => {
        show(nearest({ ...shown, dataset: one.dataset, image: one.image }));
        controls.querySelector(".strip [aria-pressed=true]")?.focus({ preventScroll: true });
      });
      bar.append(button);
    }
    return bar;
  }

  // Zoom: one factor and one place for all.
  function setZoom(factor) {
    zoom = factor;
    gallery.classList.toggle("zoomed", zoom > 1);
    gallery.style.setProperty("--zoom", zoom);
    for (const input of controls.querySelectorAll("input[name=gallery-zoom]")) {
      input.checked = Number(input.value) === zoom;
    }
  }
  function aim(event, frame) {
    const box = frame.getBoundingClientRect();
    const part = (place, start, length) => Math.min(100, Math.max(0, (100 * (place - start)) / length));
    gallery.style.setProperty("--x", `${part(event.clientX, box.left, box.width)}%`);
    gallery.style.setProperty("--y", `${part(event.clientY, box.top, box.height)}%`);
  }
  tiles.addEventListener("click", (event) => {
    const frame = event.target.closest(".frame");
    if (!frame) return;
    aim(event, frame);
    setZoom(zoom > 1 ? 1 : 4);
  });
  tiles.addEventListener("pointermove", (event) => {
    const frame = event.target.closest(".frame");
    if (frame && zoom > 1) aim(event, frame);
  });

  function step(list, current, amount) {
    const place = list.indexOf(current);
    return list[(place + amount + list.length) % list.length];
  }
  gallery.addEventListener("keydown", (event) => {
    if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("select, input")) return;
    const inStrip = event.target.closest(".strip") !== null;
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const along = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (across) {
      const [dataset, image] = JSON.parse(step(unique(scenes.map(imageKey)), imageKey(shown), across));
      show(nearest({ ...shown, dataset, image }));
    } else if (along) {
      const here = scenes.filter((scene) => imageKey(scene) === imageKey(shown));
      show(step(here, shown, along));
    } else if (event.key.toLowerCase() === "z") {
      setZoom(zoom > 1 ? 1 : 4);
    } else if (event.key === "Escape") {
      setZoom(1);
    } else {
      return;
    }
    if (inStrip) controls.querySelector(".strip [aria-pressed=true]")?.focus({ preventScroll: true });
    else if (across || along) gallery.focus({ preventScroll: true });
    event.preventDefault();
  });

  // The data come when the pictures come near, when a link asks for them, or when the page is idle.
  async function ready() {
    scenes = await maskbench.load("gallery", gallery.dataset.gallery);
    if (!shown) show(scenes[Number(gallery.dataset.first)], false);
    gallery.dataset.ready = "true";
  }
  async function follow() {
    const [anchor, query] = location.hash.slice(1).split("?");
    if (anchor !== "gallery" || !query) return;
    await ready();
    show(nearest(Object.fromEntries(new URLSearchParams(query))), false);
    document.getElementById("gallery").scrollIntoView();
  }
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-show-noise]");
    if (!link) return;
    await ready();
    const { showDataset: dataset, showNoise: noise } = link.dataset;
    const of = scenes.find((scene) => scene.dataset === dataset && scene.noise === noise);
    if (of) show(nearest({ image: shown.dataset === dataset ? shown.image : of.image, dataset, noise,
      noise_name: of.noise_name }));
  });
  addEventListener("hashchange", follow);
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); ready(); }
  }, { rootMargin: "800px" }).observe(gallery);
  follow();
})();
