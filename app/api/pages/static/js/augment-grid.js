// The preview: each image with its copies beside it, all enlarged alike.

import { el, put, rove } from "./dom.js";
import { nameTrace } from "./augment-trace.js";

const TARGETS = [
  [4, 168],
  [9, 116],
  [16, 96],
  [64, 72],
];

export class Preview {
  /**
   * @param {HTMLElement} host
   * @param {function(object): void} onChoose Told the output that was chosen.
   */
  constructor(host, onChoose) {
    Object.assign(this, { host, onChoose, chosen: null, outputs: [], images: [], buttons: new Map() });
    rove(host, "button.copy-pick");
  }

  /** Show outputs, each with `image`, `copy`, `patch`, `trace`, `url`; what was chosen stays so where it is there. */
  show(images, outputs) {
    const hadFocus = this.host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    Object.assign(this, { images, outputs });
    this.buttons.clear();
    const each = images.map((image, number) => ({ image, copies: outputs.filter((one) => one.image === number) }));
    const most = Math.max(1, ...each.map(({ copies }) => copies.length));
    const [, target] = TARGETS.find(([count]) => most <= count) ?? TARGETS.at(-1);
    put(this.host, each.map((one) => this.drawRow(one, target)));
    const kept = this.buttons.get(this.chosen) ?? this.buttons.values().next().value;
    if (kept) this.mark(kept.dataset.key);
    if (hadFocus !== null) (this.buttons.get(hadFocus) ?? kept)?.focus({ preventScroll: true });
  }

  drawRow({ image, copies }, target) {
    const scale = fitScale(image, target);
    return el(
      "section.copies-row",
      { "aria-label": `${image.name} and its copies` },
      el(
        "figure.original",
        {},
        drawPicture(image.url, image, scale, `Original of ${image.name}`),
        el("figcaption.hint", {}, "Original", el("span.visually-hidden", {}, ` ${image.name}`)),
      ),
      el("ul.figures.copies-list", { "aria-label": `Copies of ${image.name}` }, copies.map((one) => this.drawCopy(one, scale))),
    );
  }

  drawCopy(output, scale) {
    const key = keyOf(output);
    const button = el(
      "button.copy-pick",
      {
        type: "button",
        tabindex: this.buttons.size ? "-1" : "0",
        "aria-pressed": "false",
        "aria-label": `${nameOutput(output)}: ${nameTrace(output.trace)}`,
        title: nameTrace(output.trace),
        data: { key },
        on: {
          click: () => {
            this.mark(key);
            this.onChoose(output);
          },
        },
      },
      drawPicture(output.url, output, scale, ""),
    );
    this.buttons.set(key, button);
    return el("li", {}, button);
  }

  mark(key) {
    this.chosen = key;
    for (const [each, button] of this.buttons) button.setAttribute("aria-pressed", String(each === key));
  }

  /** The output that is chosen; null for none. */
  get output() {
    return this.outputs.find((one) => keyOf(one) === this.chosen) ?? null;
  }
}

export function keyOf({ image, copy, patch }) {
  return `${image}-${copy}-${patch}`;
}

/** Name an output for people; parts of sliced copies are named by their place. */
export function nameOutput({ copy, patch, is_part: isPart }) {
  return `Copy ${copy}${isPart || patch ? `, part ${patch}` : ""}`;
}

/** How much to enlarge an image: by a whole number, or as much smaller as needed. */
export function fitScale({ width, height }, target) {
  const side = Math.max(width, height);
  return side <= target ? Math.max(1, Math.round(target / side)) : target / side;
}

/** A picture at a scale; one that is very large after all is held to the page's width. */
export function drawPicture(url, { width, height }, scale, alt) {
  return el(`img${scale >= 1 ? ".pixels" : ""}`, { src: url, alt, width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
}
