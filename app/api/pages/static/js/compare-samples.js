// Samples of two versions on one seed: fetched, paired by index, shown beside each other or as pairs.

import { address, readLines, request, samplePath } from "./api.js";
import { compareImages } from "./difference.js";
import { copyText, el, put } from "./dom.js";
import { buildBody } from "./generate-state.js";
import { nameVersion } from "./versions.js";

/**
 * Fetch both sides of each pair as they are computed.
 * @param {object} order `first`, `second` ({model, version}), `count`, `seed`, `classes`.
 * @param {function} onPair Told {index, label, images: [url, url], labels} for each pair once both are there.
 */
export async function fetchPairs(order, { signal, onPair, onWait }) {
  const halves = new Map();
  const take = (side, item) => {
    const pair = halves.get(item.index) ?? { index: item.index, images: [], labels: [] };
    pair.images[side] = `data:image/png;base64,${item.png}`;
    pair.labels[side] = item.class_label;
    halves.set(item.index, pair);
    if (pair.images[0] && pair.images[1]) onPair(pair);
  };
  await Promise.all(
    [order.first, order.second].map((version, side) =>
      fetchSide(order, version, { signal, onWait }, (item) => take(side, item)),
    ),
  );
}

async function fetchSide(order, version, options, onItem) {
  const json = writeOrder(order, version, "jsonl");
  const response = await request("/v1/samples", { json, ...options });
  for await (const items of readLines(response)) items.filter((item) => "png" in item).forEach(onItem);
}

/** The body of `POST /v1/samples` for one side. */
export function writeOrder({ count, seed, classes }, version, format) {
  return buildBody({ model: nameVersion(version), count, seed, classes, truncation: 1, preset: "" }, format);
}

/** Compute the differences of pairs; each gets `difference`, null where sizes differ. */
export async function measurePairs(pairs) {
  await Promise.all(
    pairs.map(async (pair) => {
      if (pair.difference === undefined) pair.difference = await compareImages(...pair.images);
    }),
  );
  const means = pairs.map(({ difference }) => difference?.mean).filter((mean) => mean !== undefined);
  return means.length ? means.reduce((sum, mean) => sum + mean, 0) / means.length : null;
}

/**
 * Draw pairs.
 * @param {HTMLElement} host
 * @param {object} view `pairs`, `order`, `layout` ("side" or "pairs"), `withDifference`.
 */
export function drawPairs(host, { pairs, order, layout, withDifference }) {
  const hasDifference = withDifference && pairs.every((pair) => pair.difference);
  const sides = [
    ["A", nameVersion(order.first), (pair) => pair.images[0]],
    ["B", nameVersion(order.second), (pair) => pair.images[1]],
    ...(hasDifference ? [["|A − B|", "difference", (pair) => pair.difference.url]] : []),
  ];
  const open = (pair) => showPair(pair, order);
  const draw = layout === "side" ? drawSides : drawInterleaved;
  put(host, draw(pairs, sides, open));
  const first = host.querySelector("button.cell");
  if (first) first.tabIndex = 0;
}

function drawSides(pairs, sides, open) {
  return el(
    `div.sides.sides-${sides.length}`,
    {},
    sides.map(([letter, name, read], place) =>
      el(
        "div",
        {},
        el(
          "h3.side-title",
          {},
          place < 2 && el(`span.key.series-${place + 1}`, { "aria-hidden": "true" }),
          letter,
          " ",
          el("span.quiet-text", {}, name),
        ),
        el(
          "ul.pair-grid",
          { "aria-label": `Samples of ${name}` },
          pairs.map((pair) =>
            el("li", {}, drawCell(pair, [read(pair)], `${letter}, ${describe(pair, Math.min(place, 1))}`, open)),
          ),
        ),
      ),
    ),
  );
}

function drawInterleaved(pairs, sides, open) {
  return el(
    "ul.pair-grid.interleaved",
    { "aria-label": "Pairs" },
    pairs.map((pair) =>
      el("li", {}, drawCell(pair, sides.map(([, , read]) => read(pair)), `Pair, ${describe(pair, 0)}`, open)),
    ),
  );
}

function drawCell(pair, urls, label, open) {
  return el(
    "button.cell",
    {
      type: "button",
      tabindex: "-1",
      "aria-label": label,
      data: { index: pair.index },
      on: { click: () => open(pair), pointerenter: mark, focus: mark, pointerleave: unmark, blur: unmark },
    },
    urls.map((url) => el("img", { src: url, alt: "", decoding: "async" })),
  );
}

function mark(event) {
  const { index } = event.currentTarget.dataset;
  const twins = event.currentTarget.closest(".pairs").querySelectorAll(`.cell[data-index="${index}"]`);
  for (const twin of twins) twin.toggleAttribute("data-twin", true);
}

function unmark(event) {
  const twins = event.currentTarget.closest(".pairs")?.querySelectorAll(".cell[data-twin]") ?? [];
  for (const twin of twins) twin.removeAttribute("data-twin");
}

function describe(pair, side) {
  return pair.labels[side] === null ? `number ${pair.index}` : `number ${pair.index}, class ${pair.labels[side]}`;
}

async function showPair(pair, order) {
  await measurePairs([pair]);
  const { difference } = pair;
  const sides = [order.first, order.second].map((version, side) => drawLarge(pair, version, side, order.seed));
  const close = el("button.button", { type: "button", on: { click: () => node.close() } }, "Close");
  const node = el(
    "dialog.dialog.wide",
    { "aria-labelledby": "pair-title" },
    el("h2", { id: "pair-title" }, `Number ${pair.index} of seed ${order.seed}`),
    el(
      "div.large-pair",
      {},
      sides,
      difference && el(
        "figure",
        {},
        el("img.pixels", { src: difference.url, alt: "Absolute difference; black is none" }),
        el(
          "figcaption",
          {},
          el("strong", {}, "|A − B|"),
          el("span.hint", {}, `mean ${difference.mean.toFixed(1)}, largest ${difference.largest} of 255`),
        ),
      ),
    ),
    el("div.actions", {}, close),
  );
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
  close.focus({ preventScroll: true });
  node.scrollTop = 0;
}

function drawLarge(pair, { model, version }, side, seed) {
  const label = pair.labels[side];
  const path = samplePath({ model: model.name, version, seed, index: pair.index, classLabel: label });
  return el(
    "figure",
    {},
    el("img.pixels", { src: pair.images[side], alt: `Sample of ${model.name}@${version}` }),
    el(
      "figcaption",
      {},
      el("strong", {}, `${"AB"[side]} ${model.name}@${version}`),
      el("span.hint", {}, label === null ? "no class" : `class ${label}`),
      el(
        "button.button.small-button",
        { type: "button", on: { click: () => copyText(address(path), "Address copied") } },
        "Copy address",
        el("span.visually-hidden", {}, ` of ${"AB"[side]}`),
      ),
    ),
  );
}
