// One sample, large: what it is, its permanent address, and where to go from it.

import { address, getKey } from "./api.js";
import { copyText, el, put, saveBlob } from "./dom.js";

const LARGE = 320;

/** Decode a base64 PNG. */
export function decodePng(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}

/**
 * Open the view of a sample.
 * @param {object} options `samples` in order, `place` of the first to show, `size` of images, `describe(sample)` →
 *   {model, seed, path}, `onWalk(end, sample)` with "from" or "to", `onClose(place)`.
 */
export function openView({ samples, place, size, describe, onWalk, onClose }) {
  const body = el("div.view", {});
  const node = el("dialog.dialog.wide", { "aria-labelledby": "view-title" }, body);
  let here = place;
  let then = null;
  const leave = (end) => {
    then = () => onWalk(end, samples[here]);
    node.close();
  };
  const show = (next, focus = null) => {
    here = Math.min(samples.length - 1, Math.max(0, next));
    put(body, draw({ sample: samples[here], size, describe, leave, node, move: (step, name) => show(here + step, name), isFirst: here === 0, isLast: here === samples.length - 1 }));
    (focus && body.querySelector(`[data-name="${focus}"]:not(:disabled)`) || body.querySelector('[data-name="close"]'))?.focus();
  };
  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      show(here + step, step > 0 ? "next" : "back");
    }
  });
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  node.addEventListener("close", () => {
    node.remove();
    if (then) then();
    else onClose(here);
  });
  document.body.append(node);
  node.showModal();
  show(here);
}

function draw({ sample, size, describe, leave, node, move, isFirst, isLast }) {
  const { model, seed, path } = describe(sample);
  const scale = Math.max(1, Math.floor(Math.min(LARGE, innerWidth - 84) / size.width));
  const button = (name, text, click, props = {}) => el("button.button", { type: "button", data: { name }, on: { click }, ...props }, text);
  return [
    el(
      "div.view-head",
      {},
      el("h2", { id: "view-title" }, sample.class_label === null ? `Number ${sample.index}` : `Class ${sample.class_label}, number ${sample.index}`),
      button("close", "Close", () => node.close()),
    ),
    el(
      "div.view-picture",
      {},
      el("img.pixels", { src: `data:image/png;base64,${sample.png}`, alt: `Sample ${sample.index}`, width: size.width * scale, height: size.height * scale }),
      el("div.row-flow", {}, button("back", "← Back", () => move(-1, "back"), { disabled: isFirst }), button("next", "Next →", () => move(1, "next"), { disabled: isLast })),
    ),
    el(
      "div.view-facts",
      {},
      el(
        "dl.facts",
        {},
        fact("Version", model),
        fact("Seed", String(seed)),
        fact("Number", String(sample.index)),
        sample.class_label !== null && fact("Class", sample.class_label),
        fact("Pixels", `${size.width} × ${size.height}`),
      ),
      el("p.label", {}, "Permanent address"),
      el("p.address", {}, getKey() ? el("code", {}, breakable(path)) : el("a.mono", { href: address(path) }, breakable(path))),
      el(
        "div.actions",
        {},
        button("copy", "Copy address", () => copyText(address(path), "Address copied")),
        button("save", "Download PNG", () => saveBlob(decodePng(sample.png), `${model.replace("@", "-")}-seed${seed}-${sample.index}.png`)),
        button("from", "Walk from here", () => leave("from")),
        button("to", "Walk to here", () => leave("to")),
      ),
    ),
  ];
}

/** A path that is broken behind its slashes where it does not fit. */
function breakable(path) {
  return path.split(/(?<=\/)/).map((part) => [part, el("wbr")]);
}

function fact(name, text) {
  return [el("dt", {}, name), el("dd.mono", {}, text)];
}
