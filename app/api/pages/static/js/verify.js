// Verification: an image is sent, the sample that it says to be is computed again, and both are shown.

import { address, getFile, getJson } from "./api.js";
import { showCopies } from "./copy.js";
import { compareImages, decodeImage } from "./difference.js";
import { copyText, el, find, put } from "./dom.js";
import { paintSquare } from "./png.js";
import { listModels, showProblem } from "./shell.js";
import { keepAddress } from "./versions.js";

const MAX_AT_ONCE = 20;

const VERDICTS = {
  identical: [
    "good",
    "Fount made it, and this is the file",
    "Computing the sample again gives this file, byte for byte.",
  ],
  "same-pixels": [
    "good",
    "Fount made this picture",
    "Every pixel is that of the sample. The file was written again by other software, or another release.",
  ],
  "differs-by-rounding": [
    "good",
    "Fount made this picture, on another kind of device",
    "Pixels are those of the sample up to rounding.",
  ],
  differs: [
    "bad",
    "This is not the sample that it says to be",
    "It bears the mark of a sample that looks otherwise: pixels were changed, or the mark was put on another picture.",
  ],
  unverifiable: ["warn", "This service cannot check it", ""],
  unmarked: [
    "warn",
    "It does not say which sample it is",
    "Fount writes that into PNG files. This is another format or not from Fount, or other software took the mark away.",
  ],
};

async function verifyFile(file) {
  const results = find("#results");
  const card = el("article.card.verified", { "aria-busy": "true" }, el("p.hint", {}, `Checking ${file.name}…`));
  results.prepend(card);
  try {
    const answer = await send(file);
    await showAnswer(card, file, answer);
    find("#said").textContent = `${file.name}: ${VERDICTS[answer.verdict][1]}.`;
  } catch (error) {
    showProblem(card, error, () => {
      card.remove();
      verifyFile(file);
    });
    card.prepend(el("p", {}, el("strong", {}, file.name)));
  }
  card.setAttribute("aria-busy", "false");
}

async function send(file) {
  const form = new FormData();
  form.append("image", file, file.name);
  return getJson("/v1/verifications", { method: "POST", form });
}

async function showAnswer(card, file, answer) {
  const [tone, title, text] = VERDICTS[answer.verdict] ?? ["warn", answer.verdict, answer.detail];
  const url = URL.createObjectURL(file);
  const again = answer.sample?.address ? await loadAgain(answer.sample.address) : null;
  const pictures = await drawPictures(url, again, answer);
  put(
    card,
    el(`div.notice.${tone}`, {}, el("h2", {}, title), el("p", {}, text || `Why: ${answer.detail}.`)),
    el(
      "div.verified-body",
      {},
      pictures,
      el("div.verified-facts", {}, el("h3", {}, file.name), drawQuestions(answer), answer.sample && drawSample(answer)),
    ),
  );
}

async function loadAgain(path) {
  try {
    const { blob } = await getFile(path);
    return URL.createObjectURL(blob);
  } catch {
    return null;
  }
}

async function drawPictures(url, again, answer) {
  const shown = await decodeImage(url).then(() => true, () => false);
  const compared = shown && again ? await compareImages(url, again, { gain: 8 }).catch(() => null) : null;
  const figure = (source, alt, caption) => el(
    "figure",
    {},
    el("img.pixels", { src: source, alt }),
    el("figcaption.hint", {}, caption),
  );
  return el(
    "div.large-pair.verified-pictures",
    {},
    shown ? figure(url, "The image that you gave", "What you gave") : el(
      "p.hint",
      {},
      "This browser cannot show the file.",
    ),
    again && figure(again, "The sample, computed again", "Computed again"),
    compared && compared.largest > 0 && figure(
      compared.url,
      "Where they differ, eight times as strong",
      `Difference × 8; largest ${answer.max_difference ?? compared.largest} of 255`,
    ),
  );
}

function drawQuestions(answer) {
  const { verdict, max_difference: largest } = answer;
  const computed = ["identical", "same-pixels", "differs-by-rounding", "differs"].includes(verdict);
  const made = {
    true: ["yes", "good"],
    false: ["no", "bad"],
    null: ["not known", "warn"],
  }[String(answer.made_by_fount)];
  const rows = [
    ["Made by Fount?", ...made],
    ["Says that it is synthetic?", ...(answer.claims_to_be_synthetic ? ["yes", "good"] : ["no", "warn"])],
    ["Same bytes?", ...(verdict === "identical" ? ["yes", "good"] : computed ? ["no", "warn"] : ["not compared", ""])],
    ["Same pixels?", ...readPixels(verdict, largest, computed)],
  ];
  return el(
    "dl.facts.questions",
    {},
    rows.map(([question, said, tone]) =>
      [el("dt", {}, question), el("dd", {}, el(`span.chip${tone ? `.${tone}` : ""}`, {}, said))],
    ),
  );
}

function readPixels(verdict, largest, computed) {
  if (!computed) return ["not compared", ""];
  if (verdict === "identical" || verdict === "same-pixels") return ["yes, every one", "good"];
  if (verdict === "differs-by-rounding") return [`up to rounding: at most ${largest} of 255`, "good"];
  return largest === null ? ["no: another size or kind of image", "bad"] : [
    `no: changed by up to ${largest} of 255`,
    "bad",
  ];
}

function drawSample({ sample, numerics, verdict }) {
  const link = sample.address && address(sample.address);
  const [model] = sample.model.split("@");
  const rows = [
    ["Version", el("a", { href: `./evaluation?model=${sample.model}` }, sample.model)],
    ["Digest", el("code", {}, sample.digest)],
    ["Seed", String(sample.seed)],
    ["Number", String(sample.index)],
    sample.class_label !== null && ["Class", sample.class_label],
    sample.truncation !== 1 && ["Truncation", String(sample.truncation)],
    sample.policy && ["Augmented by", el("code", {}, sample.policy)],
    numerics && ["Computed as", el("code", {}, numerics)],
  ].filter(Boolean);
  return [
    el("h3.sample-title", {}, verdict === "differs" ? "The sample that its mark names" : "The sample"),
    el("dl.facts", {}, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    link && el(
      "p.row-flow",
      {},
      el("a", { href: link }, "Permanent link"),
      el(
        "button.button.small-button",
        { type: "button", on: { click: () => copyText(link, "Link copied") } },
        "Copy link",
      ),
      el("a", { href: `./generate?model=${sample.model}&seed=${sample.seed}` }, "More of this seed"),
      el("span.visually-hidden", {}, ` of ${model}`),
    ),
    !link && el("p.hint", {}, "A sample of this kind has no address of its own."),
  ];
}

async function verifyAll(files) {
  const images = [...files].slice(0, MAX_AT_ONCE);
  put(find("#problem"));
  if (files.length > MAX_AT_ONCE) put(
    find("#problem"),
    el(
      "p.notice",
      {},
      `The first ${MAX_AT_ONCE} of ${files.length} files are checked here. For many, there is `,
      el("code", {}, "fount verify"),
      ".",
    ),
  );
  for (const file of images) await verifyFile(file);
}

/** Fetch a sample by its address, as a file. */
async function fetchSample(path) {
  const { blob } = await getFile(path);
  const [, name, version, seed, index] = /models\/([^/]+)\/versions\/([^/]+)\/samples\/(\d+)\/(\d+)\.png/.exec(path) ?? [];
  return new File([blob], name ? `${name}-${version}-${seed}-${index}.png` : "sample.png", { type: "image/png" });
}

async function tryOne(isChanged) {
  try {
    put(find("#problem"));
    const models = await listModels();
    const model = models.find((one) => one.default_version !== null);
    if (!model) return put(find("#problem"), el("p.notice", {}, "This service has no model that is ready."));
    const index = crypto.getRandomValues(new Uint16Array(1))[0];
    const path = `/v1/models/${model.name}/versions/${model.default_version}/samples/42/${index}.png`;
    const file = await fetchSample(path);
    await verifyFile(isChanged ? await paintSquare(file) : file);
  } catch (error) {
    showProblem(find("#problem"), error);
  }
}

/** The address may name a sample: ?sample=/v1/models/…/samples/42/7.png */
async function verifyNamed() {
  const path = new URLSearchParams(location.search).get("sample");
  if (!path) return;
  if (!/^\/v1\/models\/[\w./-]+\.png(\?[\w=&.%+-]*)?$/.test(path) || path.includes("..")) {
    keepAddress(new URLSearchParams());
    return put(find("#problem"), el("p.notice.warn", {}, "This page's address names no sample of this service."));
  }
  try {
    await verifyFile(await fetchSample(path));
  } catch (error) {
    showProblem(find("#problem"), error, verifyNamed);
  }
}

function listen() {
  const drop = find("#drop");
  const over = (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", true);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.removeAttribute("data-over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.removeAttribute("data-over");
    verifyAll(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input, textarea")) return;
    if (event.clipboardData.files.length) verifyAll(event.clipboardData.files);
  });
  find("#pick").addEventListener("click", () => find("#file").click());
  find("#file").addEventListener("change", async ({ target }) => {
    await verifyAll(target.files);
    target.value = "";
  });
  find("#try").addEventListener("click", () => tryOne(false));
  find("#try-changed").addEventListener("click", () => tryOne(true));
  find("#form").addEventListener("submit", (event) => event.preventDefault());
}

listen();
showCopies(find("#copies"), {
  http: { method: "POST", path: "/v1/verifications", parts: [{ name: "image", file: "image.png" }] },
  client: {
    name: "verify",
    args: ["image.png"],
    result: "answer",
    then: ['print(answer["verdict"], answer["detail"])'],
  },
  cli: ["fount", "verify", "image.png"],
  notes: { cli: "Exit code 0: all files are samples of Fount." },
});
verifyNamed();
