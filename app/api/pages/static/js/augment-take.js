// What is done with all copies of a preview: saved as one file, or computed again by their traces.

import { getFile } from "./api.js";
import { putVerdict, replayAll } from "./augment-copy.js";
import { writeForm } from "./augment-state.js";
import { formatNumber, saveBlob, toast } from "./dom.js";

/** Ask for all copies as one file, and save it. */
export async function saveAll(button, images, request) {
  const label = button.textContent;
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    const { blob, name } = await getFile("/v1/augmentations", { form: writeForm(images, request) });
    saveBlob(blob, name ?? `augmented-seed${request.seed}.zip`);
    toast(`${formatNumber(blob.size / 1000, 3)} kB saved`, "good");
  } catch (error) {
    toast(error.lines?.join(" ") ?? error.message, "bad");
  }
  button.disabled = false;
  button.textContent = label;
}

/** Send all traces back, and say whether every file is the same. */
export async function compareAll(button, node, shown) {
  button.disabled = true;
  node.textContent = "Sending all traces back…";
  try {
    const { same, all } = await replayAll(shown);
    const isSame = same === all;
    putVerdict(node, isSame, isSame ? `Replayed: all ${all} files are the same, byte for byte.` : `Replayed: ${same} of ${all} files are the same. Another release or device computed them.`);
  } catch (error) {
    node.textContent = error.lines?.join(" ") ?? error.message;
  }
  button.disabled = false;
}
