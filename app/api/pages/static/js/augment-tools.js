// Small buttons with a drawing in place of a word.

import { el, svg } from "./dom.js";

const PATHS = {
  up: "M3.5 10 8 5.5l4.5 4.5",
  down: "M3.5 6 8 10.5 12.5 6",
  remove: "M4 4l8 8M12 4l-8 8",
  save: "M8 2.5v7.5M4.5 7 8 10.5 11.5 7M3 13.5h10",
};

/** A button named for screen readers and for those who point at it. */
export function drawTool(icon, label, run, props = {}) {
  const drawing = svg("svg", { class: "tool-icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[icon] }));
  return el("button.tool", { type: "button", "aria-label": label, title: label, on: { click: run }, ...props }, drawing);
}
