// The grid: places first, images as they stream in, each a button.

import { loadImage, readLines } from "./api.js";
import { el, put, rove } from "./dom.js";

const TARGETS = [
  [100, 56],
  [300, 48],
  [1024, 28],
];

export class Grid {
  /**
   * @param {HTMLElement} host The list.
   * @param {function(object): void} onChoose Told the sample whose image was chosen.
   */
  constructor(host, onChoose) {
    this.host = host;
    this.onChoose = onChoose;
    this.samples = [];
    this.cells = [];
    rove(host, "button.figure");
  }

  /** Lay out places for `count` images of `width` times `height` pixels. */
  lay(count, { width, height }, scale) {
    this.size = { width, height };
    this.samples = [];
    this.setScale(scale ?? fitScale(count, width));
    if (this.cells.length !== count) {
      this.cells = Array.from({ length: count }, () => el("li.cell", {}));
      put(this.host, this.cells);
    } else {
      for (const cell of this.cells) cell.dataset.old = "";
    }
  }

  /** Show every image at a whole number of screen pixels per pixel. */
  setScale(scale) {
    this.scale = scale;
    this.host.style.setProperty("--cell-w", `${this.size.width * scale}px`);
    this.host.style.setProperty("--cell-h", `${this.size.height * scale}px`);
  }

  /** Put the next samples in their places. */
  add(samples) {
    for (const sample of samples) {
      const place = this.samples.length;
      this.samples.push(sample);
      const cell = this.cells[place];
      if (!cell) return;
      delete cell.dataset.old;
      const label = sample.class_label === null ? "" : `Class ${sample.class_label}, `;
      const image = el("img", { src: `data:image/png;base64,${sample.png}`, alt: "", width: this.size.width, height: this.size.height });
      const button = el(
        "button.figure",
        { type: "button", tabindex: place === 0 ? "0" : "-1", "aria-label": `${label}number ${sample.index}`, on: { click: () => this.onChoose(sample) } },
        image,
      );
      put(cell, button);
    }
  }

  /** Take away the places that stayed empty. */
  trim() {
    for (const cell of this.cells.splice(this.samples.length)) cell.remove();
  }

  focus(place) {
    this.cells[place]?.firstChild?.focus();
  }
}

/** Choose how much to enlarge: larger where there are few. */
export function fitScale(count, width) {
  const [, target] = TARGETS.find(([most]) => count <= most) ?? TARGETS.at(-1);
  return Math.max(1, Math.round(target / width));
}

/**
 * Fill a grid from an answer as it streams.
 * @param {Response} response Of JSON lines.
 * @param {Grid} grid
 * @param {function(number): void} onProgress Told how many there are.
 */
export async function fillGrid(response, grid, onProgress) {
  for await (const samples of readLines(response)) {
    grid.add(samples);
    onProgress(grid.samples.length);
  }
}

/** Until the first samples come: the sheet that was published with the version. */
export async function showSheet(grid, reference) {
  if (grid.samples.length || grid.host.previousElementSibling.matches(".meanwhile")) return;
  const [name, selector] = reference.split("@");
  try {
    const url = await loadImage(`/v1/models/${name}/versions/${selector}/grid.png`);
    if (grid.samples.length) return;
    grid.host.before(
      el(
        "figure.meanwhile",
        {},
        el("img", { src: url, alt: `Contact sheet of ${reference}` }),
        el("figcaption.hint", {}, "Until samples come: the contact sheet that was published with this version."),
      ),
    );
    grid.host.hidden = true;
  } catch {
    // There is none; the empty places stay.
  }
}

/** Show the grid in its stead. */
export function hideSheet(grid) {
  document.querySelector(".meanwhile")?.remove();
  grid.host.hidden = false;
}
