// One copy: its picture beside the original, its trace in words and as JSON, and the proof that a trace gives it again.

import { getJson } from "./api.js";
import { drawPicture, fitScale, nameOutput } from "./augment-grid.js";
import { findPlace, JsonTextError, layOut, lineOf, readJson } from "./augment-json.js";
import { buildReplay, writeForm } from "./augment-state.js";
import { describeTrace } from "./augment-trace.js";
import { copyText, el, formatNumber, put, saveBlob } from "./dom.js";

const LARGE = 168;

/** Bytes of base64. */
function decodeFile(text, files) {
  return new Blob([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], { type: `image/${files}` });
}

/** Address of a picture in base64. */
export function writeUrl(text, files) {
  return `data:image/${files};base64,${text}`;
}

/**
 * Apply one trace to each image, as the service takes them; what mixes finds its partners as they were.
 * @param {object} shown What is shown: `images`, `outputs`, `state`.
 * @param {object} place `copy` and `patch` of the outputs.
 * @param {Map<number, Array>} [changed] Other traces, by the number of their image.
 * @returns {Promise<Map<number, object>>} The outputs, by the number of their image.
 */
async function replay({ images, outputs, state }, { copy, patch }, changed = new Map()) {
  const found = (image) => outputs.find((one) => one.image === image && one.copy === copy && one.patch === patch);
  const traces = images.map((_, image) => ({ image, steps: changed.get(image) ?? found(image)?.trace ?? [] }));
  const form = writeForm(images, buildReplay(state, traces, "json"));
  const answer = await getJson("/v1/augmentations", { form });
  return new Map(answer.outputs.map((one) => [one.image, one]));
}

/** Replay all outputs of a preview and compare their files: {same, all}. */
export async function replayAll(shown) {
  const rounds = Map.groupBy(shown.outputs, ({ copy, patch }) => `${copy}-${patch}`);
  let same = 0;
  for (const round of rounds.values()) {
    const again = await replay(shown, round[0]);
    same += round.filter(({ image, file }) => again.get(image)?.file === file).length;
  }
  return { same, all: shown.outputs.length };
}

/** Write a verdict with its colour. */
export function putVerdict(node, isGood, text) {
  put(node, el(`span.dot.${isGood ? "good" : "bad"}`, { "aria-hidden": "true" }), text);
}

/**
 * Draw the panel of one output.
 * @param {HTMLElement} host
 * @param {object} shown What is shown: `images`, `outputs`, `state`.
 * @param {object} output
 */
export function drawCopy(host, shown, output) {
  const image = shown.images[output.image];
  const scale = fitScale(image, LARGE);
  const text = layOut(output.trace);
  const area = el("textarea.trace-text", { id: "trace-text", rows: Math.min(14, text.split("\n").length + 1), spellcheck: "false", "aria-describedby": "trace-error" });
  area.value = text;
  const verdict = el("p.verdict", { id: "replay-verdict", role: "status", "aria-live": "polite" });
  const wrong = el("p.error-text", { id: "trace-error", role: "alert", hidden: true });
  const again = el("div.replayed", {});
  const run = () => replayOne({ shown, output, area, verdict, wrong, again, scale });
  const details = el(
    "details.trace-json",
    { open: host.querySelector(".trace-json")?.open ?? false },
    el("summary", {}, "Trace as JSON"),
    el("div.row", {}, el("label", { for: "trace-text" }, "Trace, which may be changed before it is replayed"), area, wrong),
    el("div.actions", {}, el("button.button.small", { type: "button", on: { click: () => copyText(area.value, "Trace copied") } }, "Copy trace")),
  );
  put(
    host,
    el("h2", { id: "copy-title" }, nameOutput(output), shown.images.length > 1 && el("span.quiet-text", {}, ` of ${image.name}`)),
    el(
      "div.copy-body",
      {},
      el(
        "div.copy-pictures",
        {},
        drawFigure(image.url, image, scale, "Original"),
        drawFigure(output.url, output, scale, `${nameOutput(output)} · ${output.width} × ${output.height}`),
        again,
      ),
      el(
        "div.copy-text",
        {},
        drawWords(output.trace),
        el(
          "div.actions",
          {},
          el("button.button", { type: "button", id: "replay", on: { click: run } }, "Replay the trace"),
          el("button.button", { type: "button", on: { click: () => saveBlob(decodeFile(output.file, shown.state.files), nameFile(image, output, shown.state)) } }, "Save this copy"),
        ),
        verdict,
        details,
      ),
    ),
  );
}

function drawFigure(url, size, scale, caption) {
  return el("figure", {}, drawPicture(url, size, scale, caption), el("figcaption.hint", {}, caption));
}

function drawWords(trace) {
  if (!trace.length) return el("p", {}, "Nothing was applied: the draws left it as it was.");
  return el(
    "ol.trace",
    { "aria-label": "What was applied" },
    describeTrace(trace).map(({ name, numbers, rest }) => el("li", {}, el("strong", {}, name), numbers && ` ${numbers}`, rest && el("span.hint", {}, ` ${rest}`))),
  );
}

function nameFile({ name }, { copy, patch }, { files }) {
  return `${name.replace(/\.[^.]*$/, "")}-${copy}${patch ? `-${patch}` : ""}.${files === "jpeg" ? "jpg" : files}`;
}

async function replayOne({ shown, output, area, verdict, wrong, again, scale }) {
  wrong.hidden = true;
  area.removeAttribute("aria-invalid");
  put(again);
  verdict.textContent = "Sending the trace back…";
  try {
    const { value: trace } = readJson(area.value);
    const isChanged = JSON.stringify(trace) !== JSON.stringify(output.trace);
    const made = (await replay(shown, output, new Map([[output.image, trace]]))).get(output.image);
    const blob = decodeFile(made.file, shown.state.files);
    const isSame = made.file === output.file;
    if (isChanged) put(again, drawFigure(writeUrl(made.file, shown.state.files), made, scale, "By the changed trace"));
    const digest = await digestOf(blob);
    if (isSame) putVerdict(verdict, true, `Same bytes: all ${formatNumber(blob.size)}${digest}`);
    else if (isChanged) putVerdict(verdict, true, "Another picture, for the trace was changed.");
    else putVerdict(verdict, false, "Other bytes: another release or device computed them.");
  } catch (error) {
    verdict.textContent = "";
    area.closest("details").open = true;
    area.setAttribute("aria-invalid", "true");
    wrong.hidden = false;
    put(wrong, describeFault(error, area.value));
  }
}

/** The SHA-256 in words; empty where the browser has none, as over plain HTTP. */
async function digestOf(blob) {
  if (!globalThis.crypto?.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return `. SHA-256 ${[...new Uint8Array(digest)].slice(0, 6).map((byte) => byte.toString(16).padStart(2, "0")).join("")}…`;
}

function describeFault(error, text) {
  if (error instanceof JsonTextError) return `Line ${lineOf(text, error.offset)}: ${error.message}.`;
  if (!error.errors?.length) return error.lines?.join(" ") ?? error.message;
  const { places } = readJson(text);
  return error.errors.map(({ pointer, detail }) => {
    const rest = pointer.replace(/^\/request\/traces(\/\d+(\/steps)?)?/, "");
    return `Line ${lineOf(text, findPlace(places, rest)[0])}${rest && `, ${rest}`}: ${detail}`;
  }).join("; ");
}
