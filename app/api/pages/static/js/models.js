// The first page: every model with its contact sheet, its versions and how good it is.

import { getJson, getKey, loadImage, request, samplePath } from "./api.js";
import { el, find, formatNumber, put } from "./dom.js";
import { renderMarkdown } from "./markdown.js";
import { listModels, showProblem } from "./shell.js";

const FIGURES = [
  ["FID", /^fid_\d/],
  ["CAS", /^cas_\d/],
  ["Coverage", /^coverage_\d/],
];
const STATES = {
  ready: ["good", "ready"],
  warming: ["warn", "warming up"],
  verifying: ["warn", "being checked"],
  failed: ["bad", "failed"],
};

const POLL_MS = 3000; // while there is nothing

async function show() {
  const host = find("#models");
  try {
    const models = await listModels();
    if (!models.length) setTimeout(show, POLL_MS);
    if (models.length || !host.querySelector(".empty")) put(host, models.length ? models.map(drawModel) : drawEmpty());
    host.classList.toggle("cards", models.length > 0);
    find("#figures-hint").hidden = !models.length;
    showExample(models);
    find("#models-said").textContent = models.length === 1 ? "One model." : `${models.length} models.`;
  } catch (error) {
    showProblem(host, error, show);
  }
  host.setAttribute("aria-busy", "false");
}

/** Show one sample with its address; the button goes on to the next number. */
function showExample(models) {
  const model = models.find((one) => one.name === "mnist-gan" && one.default_version !== null) ?? models.find((one) => one.default_version !== null);
  find(".example").hidden = !model;
  if (!model) return;
  const { width, height } = model.image;
  const scale = Math.max(1, Math.floor(112 / width));
  const image = el("img", { alt: "", width: width * scale, height: height * scale });
  const go = async (index) => {
    const path = samplePath({ model: model.name, version: model.default_version, seed: 42, index });
    const url = await loadImage(path);
    image.src = url;
    image.alt = `Sample ${index} of seed 42`;
    find("#example-address").textContent = path;
    next.onclick = () => go(index + 1);
    next.disabled = false;
  };
  const next = find("#example-next");
  put(find("#example"), image);
  go(7);
}

function drawEmpty() {
  const code = (text) => el("div.code", {}, el("pre", { tabindex: "0" }, el("code", {}, text)));
  return el(
    "div.empty.stack",
    {},
    el("h3", {}, "No models yet"),
    el("p", {}, "Labelled shapes, drawn in a second without any training; the model appears here a second after it is published:"),
    code("fount template shapes --publish"),
    el("p", {}, "Digits, or your own images, by training; --dry-run says how long it will take here:"),
    code("pip install 'fount[train]'\nfount train digits --name digits-gan --publish --dry-run\nfount train resnet_gan --data ./my-images --name my-gan --publish --dry-run"),
    el("p", {}, "Or point the service at a folder that has some:"),
    code("fount serve --repository path/to/models"),
  );
}

function drawModel(model) {
  const versions = [...model.versions].sort((one, other) => other.version - one.version);
  const shown = model.default_version ?? versions[0].version;
  const body = el("div.model-body", {});
  const picture = el("div.model-picture", {});
  const choose = (version) => {
    drawPicture(picture, model, version);
    drawVersion(body, model, version, versions, choose);
  };
  choose(shown);
  return el("article.card.model", { "aria-labelledby": `model-${model.name}` }, picture, body);
}

function drawPicture(host, model, version) {
  const classes = model.class_names.length ? ", one row per class" : "";
  const image = el("img.sheet", {
    alt: `Samples of ${model.name}@${version}${classes}`,
    width: "400",
    height: "400",
    decoding: "async",
  });
  image.addEventListener("error", () => put(host, drawNoSheet()));
  loadImage(`/v1/models/${model.name}/versions/${version}/grid.png`).then(
    (url) => {
      image.src = url;
    },
    () => put(host, drawNoSheet()),
  );
  put(host, el("a", { href: `./generate?model=${model.name}@${version}`, tabindex: "-1", "aria-hidden": "true" }, image));
}

function drawNoSheet() {
  return el("div.sheet.no-sheet", {}, "no contact sheet");
}

function drawVersion(host, model, version, versions, choose) {
  const one = versions.find((each) => each.version === version);
  const [tone, state] = STATES[one.state] ?? ["warn", one.state];
  const image = model.image ?? {};
  const kind = image.channels === 1 ? "grey" : "colour";
  put(
    host,
    el(
      "div.model-title",
      {},
      el("h3", { id: `model-${model.name}` }, model.name, el("span.quiet-text", {}, `@${version}`)),
      el("span.model-state", {}, el(`span.dot.${tone}`, { "aria-hidden": "true" }), state),
    ),
    one.reason && el("p.notice.bad", {}, one.reason),
    el(
      "p.hint.model-facts",
      {},
      el(
        "span",
        {},
        [
          image.width && `${image.width} × ${image.height} ${kind}`,
          model.class_names.length ? `${model.class_names.length} classes` : "no classes",
        ].filter(Boolean).join(" · "),
      ),
      el("span", {}, one.architecture),
    ),
    drawVersions(model, version, versions, choose),
    drawFigures(model, one),
    el(
      "div.actions",
      {},
      el("a.button", { href: `./generate?model=${model.name}@${version}` }, "Generate", el("span.visually-hidden", {}, ` with ${model.name}`)),
      el("button.button", { type: "button", on: { click: () => openCard(model.name, version) } }, "Card", el("span.visually-hidden", {}, ` of ${model.name}`)),
    ),
  );
}

function drawVersions(model, version, versions, choose) {
  const names = (each) => Object.entries(model.aliases).filter(([, target]) => target === each).map(([alias]) => alias);
  const label = (each) => [`v${each}`, ...names(each)].join(" · ");
  if (versions.length === 1) {
    return el("p.chips", {}, el("span.chip.accent", {}, label(version)));
  }
  return el(
    "div.segments",
    { role: "group", "aria-label": `Versions of ${model.name}` },
    versions.map((each) =>
      el(
        "button.segment.small",
        {
          type: "button",
          "aria-pressed": String(each.version === version),
          on: {
            click: (event) => {
              const group = event.currentTarget.closest(".model-body");
              choose(each.version);
              group.querySelector('.segment[aria-pressed="true"]').focus();
            },
          },
        },
        label(each.version),
      ),
    ),
  );
}

function drawFigures(model, version) {
  const found = FIGURES.map(([label, pattern]) => [label, Object.keys(version.metrics).find((name) => pattern.test(name))]).filter(([, name]) => name);
  if (!found.length) return el("p.hint.unmeasured", {}, "Nobody has measured this version.");
  const floors = new Map();
  const table = el(
    "table.table.figures-table",
    {},
    el("caption.visually-hidden", {}, `How good ${model.name}@${version.version} is`),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Figure"), el("th.num", { scope: "col" }, "Samples"), el("th.num", { scope: "col" }, "Real"))),
    el(
      "tbody",
      {},
      found.map(([label, name]) => {
        const floor = el("td.num.quiet-text", {}, "…");
        floors.set(name, floor);
        return el("tr", {}, el("th", { scope: "row" }, label, el("code.protocol", {}, name)), el("td.num", {}, formatNumber(version.metrics[name], 3)), floor);
      }),
    ),
  );
  getJson(`/v1/models/${model.name}/versions/${version.version}`).then(
    (detail) => {
      const metrics = detail.manifest.evaluation?.metrics ?? {};
      for (const [name, cell] of floors) cell.textContent = formatNumber(metrics[name]?.floor ?? null, 3);
    },
    () => {
      for (const cell of floors.values()) cell.textContent = "–";
    },
  );
  return table;
}

async function openCard(name, version) {
  const body = el("div.prose", {}, el("p", {}, "…"));
  const close = el("button.button", { type: "button", on: { click: () => node.close() } }, "Close");
  const node = el("dialog.dialog.wide", { "aria-label": `Card of ${name}@${version}` }, body, el("div.actions", {}, close));
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
  try {
    const text = await (await request(`/v1/models/${name}/versions/${version}/card`)).text();
    put(body, renderMarkdown(text));
  } catch (error) {
    showProblem(body, error);
  }
  close.focus();
  node.scrollTop = 0;
}

document.addEventListener("fount:key", () => {
  if (getKey()) show();
});
show();
