// The comparison as code, and what promotes one of the two.

import { writeOrder } from "./compare-samples.js";
import { state } from "./compare-state.js";
import { showCopies } from "./copy.js";
import { find } from "./dom.js";
import { drawChoices, nameVersion } from "./versions.js";

/** Show how B is asked for from code, and how either is promoted. */
export function showCode(order) {
  const body = writeOrder(order, order.second, "zip");
  const { model, format: _, ...kwargs } = body;
  showCopies(find("#copies"), {
    http: { method: "POST", path: "/v1/samples", json: body, output: "b.zip" },
    client: { name: "sample", args: [model], kwargs, result: "b" },
    cli: ["fount", "compare", nameVersion(order.first), nameVersion(order.second)],
    notes: {
      curl: `The samples of B; the same with ${nameVersion(order.first)} for A.`,
      python: "The samples of B; the same for A.",
      cli: "The figures, from the model repository.",
    },
  });
  drawChoices(find("#promoted"), [
    ["first", `A ${nameVersion(order.first)}`],
    ["second", `B ${nameVersion(order.second)}`],
  ], state.promoted, (side) => {
    state.promoted = side;
    showPromotion();
  });
  showPromotion();
}

/** Show how the chosen version gets the alias. */
export function showPromotion() {
  const { model, version } = state[state.promoted];
  const alias = find("#alias").value.trim() || "production";
  find("#promote-note").textContent = tellAlias(model, version, alias);
  showCopies(find("#promote-copies"), {
    cli: [
      "fount",
      "models",
      "promote",
      `${model.name}@${version}`,
      ...(alias === "production" ? [] : ["--alias", alias]),
    ],
    http: { method: "PUT", path: `/v1/models/${model.name}/aliases/${encodeURIComponent(alias)}`, json: { version } },
    notes: { curl: "Needs a key with the scope admin where the service has keys. It does not look at the figures." },
  });
}

function tellAlias(model, version, alias) {
  const before = model.aliases[alias];
  if (before === undefined) return `${model.name} has no alias ${alias} yet.`;
  if (before === version) return `${alias} points to ${model.name}@${version} already.`;
  return `${alias} of ${model.name} points to version ${before} now; fount models rollback ${model.name} leads back there.`;
}
