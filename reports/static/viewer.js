// The comparison: up to four pictures of one image, split by draggable dividers, with a common zoom.
"use strict";

// A stage in `parent`. `gallery` has --zoom, --x, --y for all pictures of the page; `changed` is called after a move.
maskbench.viewer = (parent, gallery, changed) => {
  const { make } = maskbench;
  const stage = make("div", { className: "stage" });
  parent.append(stage);
  let shown = [];
  let cuts = []; // right end of every part but the last, in percent
  let view = { zoom: 1, x: 50, y: 50 };

  function show(sources, clean, error) {
    const same = sources.length === shown.length;
    shown = sources;
    if (!same) cuts = sources.slice(1).map((_, index) => (100 * (index + 1)) / sources.length);
    stage.replaceChildren(...sources.map((source) => part(source, clean, error)), ...cuts.map((_, i) => divider(i)));
    stage.hidden = sources.length === 0;
    layout();
  }

  function part(source, clean, error) {
    const image = make("img", { src: source.file, alt: source.alt, draggable: false });
    image.addEventListener("load", () => {
      stage.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
      stage.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
    });
    const pixels = make("div", { className: "pixels" }, image);
    maskbench.errors(pixels, clean, error);
    const label = make("span", { className: "part-name" }, make("bdi", {}, source.title), source.psnr ? ` ${source.psnr}` : "");
    return make("div", { className: "part" }, pixels, label);
  }

  function divider(index) {
    const handle = make("div", { className: "divider", tabIndex: 0 });
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-orientation", "horizontal");
    handle.setAttribute("aria-label", `divider between ${shown[index].title} and ${shown[index + 1].title}`);
    handle.setAttribute("aria-valuemin", 0);
    handle.setAttribute("aria-valuemax", 100);
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
      if (!step) return;
      move(index, cuts[index] + step);
      event.preventDefault();
      event.stopPropagation();
    });
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      event.stopPropagation();
      handle.focus({ preventScroll: true });
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = stage.getBoundingClientRect();
      move(index, (100 * (event.clientX - box.left)) / box.width);
    });
    return handle;
  }

  function move(index, percent) {
    const low = index ? cuts[index - 1] : 0;
    const high = index + 1 < cuts.length ? cuts[index + 1] : 100;
    cuts[index] = Math.min(high, Math.max(low, percent));
    layout();
  }

  function layout() {
    const ends = [...cuts, 100];
    stage.querySelectorAll(".part").forEach((element, index) => {
      const [left, right] = [index ? cuts[index - 1] : 0, ends[index]];
      element.style.clipPath = `inset(0 ${100 - right}% 0 ${left}%)`;
      Object.assign(element.querySelector(".part-name").style, { left: `${left}%`, maxWidth: `${right - left}%` });
    });
    stage.querySelectorAll(".divider").forEach((element, index) => {
      element.style.left = `${cuts[index]}%`;
      element.setAttribute("aria-valuenow", Math.round(cuts[index]));
    });
  }

  // Zoom: one factor and one fixed point, in percent of the picture, for every picture of the page.
  function setView(change) {
    const inside = (value, low, high) => Math.min(high, Math.max(low, value));
    view = { ...view, ...change };
    view = { zoom: inside(view.zoom, 1, 32), x: inside(view.x, 0, 100), y: inside(view.y, 0, 100) };
    gallery.classList.toggle("zoomed", view.zoom > 1);
    gallery.style.setProperty("--zoom", view.zoom);
    gallery.style.setProperty("--x", `${view.x}%`);
    gallery.style.setProperty("--y", `${view.y}%`);
  }

  // The position of a pointer on the picture in percent, which stays under the pointer when zooming in.
  function aim(event, frame) {
    const box = frame.getBoundingClientRect();
    const percent = (at, start, length) => (100 * (at - start)) / length;
    return { x: percent(event.clientX, box.left, box.width), y: percent(event.clientY, box.top, box.height) };
  }

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    drag = { at: event, from: view, moved: false };
    if (view.zoom > 1) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag || drag.from.zoom === 1) return;
    const box = stage.getBoundingClientRect();
    const [across, down] = [event.clientX - drag.at.clientX, event.clientY - drag.at.clientY];
    if (Math.hypot(across, down) > 3) drag.moved = true;
    const scale = 100 / (drag.from.zoom - 1);
    setView({ x: drag.from.x - (scale * across) / box.width, y: drag.from.y - (scale * down) / box.height });
  });
  stage.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) setView(drag.from.zoom > 1 ? { zoom: 1 } : { zoom: 4, ...aim(event, stage) });
    if (drag) changed();
    drag = null;
  });
  stage.addEventListener("pointercancel", () => { drag = null; });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const zoom = view.zoom * 2 ** (-event.deltaY / 200);
    setView(view.zoom === 1 ? { zoom, ...aim(event, stage) } : { zoom });
    changed();
  }, { passive: false });

  return { show, setView, aim, view: () => view };
};

// Shows the absolute difference from the clean picture, `error` times as bright, by CSS blending.
maskbench.errors = (pixels, clean, error) => {
  pixels.querySelector(".under")?.remove();
  pixels.classList.toggle("difference", Boolean(error && clean));
  if (!error || !clean) return;
  pixels.style.setProperty("--error", error);
  pixels.prepend(maskbench.make("img", { className: "under", src: clean, alt: "", draggable: false }));
};
