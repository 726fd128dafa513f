// Choosing an operation: a list of all, with what each does, narrowed by what is typed.

import { writeHint } from "./augment-fields.js";
import { nameOperation } from "./augment-policy.js";
import { el, put, rove } from "./dom.js";

/**
 * Ask which operation to add.
 * @param {Array} operations As the service lists them.
 * @param {object} [options] `isHeld`: for a step that holds others.
 * @returns {Promise<object|null>} The operation; null for none.
 */
export function pickOperation(operations, { isHeld = false } = {}) {
  return new Promise((resolve) => {
    let chosen = null;
    const search = el("input", { type: "search", id: "pick-search", autocomplete: "off", spellcheck: "false" });
    const list = el("ul.pick-list", { "aria-label": "Operations" });
    const count = el("p.hint", { role: "status" });
    const choose = (entry) => {
      chosen = entry;
      node.close();
    };
    const show = () => {
      const found = filterOperations(operations, search.value);
      count.textContent = found.length ? `${found.length} of ${operations.length} operations. Enter takes the first.` : "None. Try another word, such as blur or turn.";
      put(list, found.map((entry, place) => drawEntry(entry, place, choose)));
      list.dataset.first = found[0]?.op ?? "";
    };
    const node = el(
      "dialog.dialog.wide.picker-dialog",
      { "aria-labelledby": "pick-title" },
      el(
        "div.view-head",
        {},
        el("h2", { id: "pick-title" }, isHeld ? "Add an operation to the group" : "Add an operation"),
        el("button.button", { type: "button", on: { click: () => node.close() } }, "Close"),
      ),
      el("div.row", {}, el("label", { for: "pick-search" }, "Search names and descriptions"), search),
      count,
      list,
    );
    search.addEventListener("input", show);
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") list.querySelector("button")?.focus();
      else if (event.key === "Enter" && list.dataset.first) choose(operations.find(({ op }) => op === list.dataset.first));
      else return;
      event.preventDefault();
    });
    node.addEventListener("click", (event) => event.target === node && node.close());
    node.addEventListener("close", () => {
      node.remove();
      resolve(chosen);
    });
    rove(list, "button");
    document.body.append(node);
    show();
    node.showModal();
    search.focus();
  });
}

/** Operations that have all words, those whose name begins with the first one before the others. */
export function filterOperations(operations, text) {
  const words = text.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  const found = operations.filter(({ op, description }) => {
    const all = `${nameOperation(op)} ${description}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  const rank = ({ op }) => (!words.length ? 0 : op.startsWith(words[0]) ? 0 : op.includes(words[0]) ? 1 : 2);
  return found.map((entry, place) => [rank(entry), place, entry]).sort((one, other) => one[0] - other[0] || one[1] - other[1]).map(([, , entry]) => entry);
}

function drawEntry(entry, place, choose) {
  return el(
    "li",
    {},
    el(
      "button.pick",
      { type: "button", tabindex: place ? "-1" : "0", on: { click: () => choose(entry) } },
      el("strong", {}, nameOperation(entry.op)),
      el("span.hint", {}, writeHint(entry.description)),
    ),
  );
}
