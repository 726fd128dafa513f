// What was planned, delivered: as one file, as a dataset that is computed on demand, and as code.

import { address, getFile, getJson, getKey, request, ROOT } from "./api.js";
import { plural } from "./balance-counts.js";
import { showCopies } from "./copy.js";
import { copyText, el, put, saveBlob, toast } from "./dom.js";

export const FORMATS = [
  ["zip", "ZIP, a folder per class"],
  ["tar", "WebDataset (.tar)"],
  ["parquet", "Parquet"],
  ["npz", "NumPy arrays (.npz)"],
];
const SHOWN_SHARDS = 8;

/** Ask for samples and save the file; `onBytes` is told how much has come. */
export async function download(body, { signal, onBytes, onWait }) {
  const response = await request("/v1/samples", { json: body, signal, onWait });
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
  const parts = [];
  let bytes = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes((bytes += value.length));
  }
  const fileName = name ?? `balanced.${body.format}`;
  saveBlob(new Blob(parts, { type: response.headers.get("Content-Type") ?? "" }), fileName);
  return { name: fileName, bytes };
}

/** Write a size in bytes for people. */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3)).toLocaleString("en")} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Make a dataset of the block of a request, and draw what it is. */
export async function showDataset(host, block, { shardSize, format }) {
  const dataset = await getJson("/v1/datasets", { json: { samples: [block], shard_size: shardSize, format } });
  const usage = Object.entries(dataset.usage);
  const shards = el(
    "ol.shards",
    {},
    dataset.shards.slice(0, SHOWN_SHARDS).map((path, place) => drawShard(path, place, dataset)),
  );
  const rest = dataset.shards.length - SHOWN_SHARDS;
  const more = rest > 0 && el(
    "button.button.small-button",
    {
      type: "button",
      on: {
        click: (event) => { put(
          shards,
          dataset.shards.map((path, place) => drawShard(path, place, dataset)),
        ); event.currentTarget.remove(); },
      },
    },
    `Show the other ${rest.toLocaleString("en")}`,
  );
  put(
    host,
    el(
      "p",
      { role: "status" },
      el(
        "strong",
        {},
        `${plural(dataset.num_samples, "image", "images")} in ${plural(dataset.num_shards, "shard", "shards")}.`,
      ),
    ),
    el(
      "div.code.token",
      {},
      el("pre", { tabindex: "0", "aria-label": "Token" }, el("code", {}, dataset.token)),
      el(
        "button.button.copy",
        { type: "button", on: { click: () => copyText(dataset.token, "Token copied") } },
        "Copy token",
      ),
    ),
    el(
      "p.row-flow",
      {},
      drawLink(`/v1/datasets/${dataset.token}`, "Description"),
      drawLink(dataset.croissant, "Croissant"),
      drawLink(dataset.card, "Card"),
    ),
    shards,
    more,
    usage.map(([library, code]) => el("details", {}, el("summary", {}, `Load with ${library}`), drawCode(code))),
    el(
      "details",
      {},
      el("summary", {}, "Write it to a folder or a bucket"),
      drawCode(`fount export ${dataset.token} -o balanced/`),
    ),
  );
}

function drawShard(path, place, dataset) {
  return el(
    "li",
    {},
    drawLink(path, `Shard ${place}`),
    el("span.hint.num", {}, ` ${plural(dataset.shard_samples[place], "image", "images")}`),
  );
}

/** A link; where there is a key, which links cannot carry, a button that fetches the file. */
function drawLink(path, label) {
  const url = new URL(path, ROOT);
  if (!getKey()) return el("a", { href: address(url.pathname + url.search) }, label);
  const take = async () => {
    try {
      const { blob, name } = await getFile(url.pathname + url.search);
      saveBlob(blob, name ?? url.pathname.split("/").at(-1));
    } catch (error) {
      toast((error.lines ?? [error.message]).join(" "), "bad");
    }
  };
  return el("button.button.small-button", { type: "button", on: { click: take } }, label);
}

function drawCode(text) {
  return el(
    "div.code",
    {},
    el("pre", { tabindex: "0" }, el("code", {}, text)),
    el("button.button.copy", { type: "button", on: { click: () => copyText(text, "Code copied") } }, "Copy"),
  );
}

/** Show the request as code, and how a training job takes it. */
export function showCode(hosts, body, plan) {
  const counts = plan.rows.filter((row) => row.made).map((row) => `${row.name}=${row.made}`).join(",");
  const exported = [
    "fount",
    "export",
    "--model",
    body.model,
    "--class-counts",
    counts,
    "--seed",
    String(body.seed),
    "--format",
    body.format === "zip" ? "tar" : body.format,
    "-o",
    "balanced/",
  ];
  showCopies(hosts.copies, {
    http: { method: "POST", path: "/v1/samples", json: body, output: `balanced.${body.format}` },
    client: {
      name: "sample",
      args: [body.model],
      kwargs: { balance: body.balance, seed: body.seed },
      result: "samples",
      then: ['samples.save_imagefolder("balanced")'],
    },
    cli: exported,
    notes: { cli: "The same images of each class, in shards; goes on where it was broken off." },
  });
  put(hosts.training, drawCode(writeTraining(body)));
}

function writeTraining({ model, balance, seed }) {
  const key = getKey();
  const words = ["real", JSON.stringify(ROOT.replace(/\/$/, "")), JSON.stringify(model)];
  if (balance.to !== "max") words.push(`to=${balance.to}`);
  if (key) words.push('key=os.environ["FOUNT_API_KEY"]');
  words.push(`seed=${seed}`);
  return [
    ...(key ? ["import os", ""] : []),
    "from torch.utils.data import DataLoader",
    "from app.client import Balanced",
    "",
    "# real: a dataset of (image, class number)",
    `balanced = Balanced(${words.join(", ")})`,
    "for image, label, is_synthetic in DataLoader(balanced, batch_size=64, shuffle=True):",
    "    ...",
  ].join("\n");
}
