// What is done with a grid: its samples are saved, or asked for once more.

import { getFile, request } from "./api.js";
import { el, find, formatNumber, put, saveBlob, toast } from "./dom.js";
import { buildBody } from "./generate-state.js";

/** Save the samples as a file of the chosen format. */
export async function download(state) {
  const format = find("#format").value;
  const button = find("#download");
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    const { blob, name } = await getFile("/v1/samples", { json: buildBody(state, format) });
    saveBlob(blob, name ?? `samples.${format === "grid" ? "png" : format}`);
    toast(`${formatNumber(blob.size / 1000, 3)} kB saved`, "good");
  } catch (error) {
    toast(error.lines?.join(" ") ?? error.message, "bad");
  }
  button.disabled = false;
  button.textContent = "Download";
}

/** Ask for the same samples once more, and compare every file. */
export async function compareAgain(state, samples) {
  const before = samples.map((one) => one.png);
  const node = find("#verdict");
  find("#again").disabled = true;
  node.textContent = "Asking again…";
  try {
    const text = await (await request("/v1/samples", { json: buildBody(state, "jsonl") })).text();
    const after = text.trim().split("\n").map((line) => JSON.parse(line).png);
    const same = after.filter((png, place) => png === before[place]).length;
    const isSame = same === before.length && after.length === before.length;
    put(
      node,
      el(`span.dot.${isSame ? "good" : "bad"}`, { "aria-hidden": "true" }),
      isSame
        ? `Asked again: all ${same} files are the same, byte for byte.`
        : `Asked again: ${same} of ${before.length} files are the same. Another build or device computed them.`,
    );
  } catch (error) {
    node.textContent = error.lines?.join(" ") ?? error.message;
  }
  find("#again").disabled = false;
}
