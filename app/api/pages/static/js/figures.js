// Figures of quality as people read them: what each means, its order, and when two versions differ by one.
// What is compared, and how, is as `fount compare` does it (app/repository/evaluation.py).

const TOLERANCE = 0.02;

/** Label agreement below this share is called low. */
export const LOW_AGREEMENT = 0.95;

/** Groups of figures, in reading order: {id, title, families}. */
export const GROUPS = [
  {
    id: "distance",
    title: "How far from real images",
    families: [
      "fid",
      "fid_balanced",
      "kid",
      "fid_per_class_mean",
      "fid_per_class_worst",
      "inception_fid",
      "inception_kid",
    ],
  },
  { id: "use", title: "Use for training", families: ["cas"] },
  { id: "variety", title: "Is all of reality there", families: ["coverage", "recall", "modes", "reverse_kl"] },
  {
    id: "fidelity",
    title: "Do samples look real",
    families: ["precision", "density", "inception_score", "inception_inception_score"],
  },
  { id: "classes", title: "Right classes", families: ["label_agreement", "label_agreement_worst"] },
  { id: "copies", title: "Copies of training images", families: ["memorisation"] },
  { id: "reconstruction", title: "Encoder and back", families: ["reconstruction_mse"] },
];

/** Each figure by its family: {label, says, needs}; `needs` is why a record may do without it. */
export const FAMILIES = {
  fid: {
    label: "FID",
    says: "Distance between samples and real images as the judge sees them: blur, artefacts and missing variety all raise it.",
  },
  fid_balanced: {
    label: "Balanced FID",
    says: "The same with equally many samples of each class; for data whose classes are not equally many.",
    needs: "real images whose classes are not equally many",
  },
  kid: {
    label: "KID",
    says: "A distance like FID that does not shrink with more samples, and is noisier; it may fall just below 0.",
  },
  fid_per_class_mean: {
    label: "Mean FID of classes",
    says: "FID of each class by itself, averaged: finds classes that lost their variety, which FID hides.",
    needs: "the full protocol and classes",
  },
  fid_per_class_worst: {
    label: "Worst FID of a class",
    says: "FID of the class that is farthest from its real images.",
    needs: "the full protocol and classes",
  },
  cas: {
    label: "CAS",
    says: "Accuracy on real images of a classifier trained on samples alone: what a training job would get.",
    needs: "the full protocol and classes",
  },
  coverage: {
    label: "Coverage",
    says: "Share of real images that have a sample close by.",
  },
  recall: {
    label: "Recall",
    says: "Share of real images that lie where samples do; outliers among the samples can raise it.",
  },
  modes: {
    label: "Modes",
    says: "How many kinds of image come up at all when no class is asked for.",
    needs: "a generator that is not asked for a class",
  },
  reverse_kl: {
    label: "Reverse KL",
    says: "How unevenly those kinds come up, in nats; 0 is even.",
    needs: "a generator that is not asked for a class",
  },
  precision: {
    label: "Precision",
    says: "Share of samples that lie where real images do; one perfect image over and over would score 1.",
  },
  density: {
    label: "Density",
    says: "How many real neighbourhoods each sample lies in; above the floor means more typical than reality.",
  },
  inception_score: {
    label: "Inception Score",
    says: "How clearly and how evenly samples fall into classes, by the judge; it never looks at a real image.",
  },
  label_agreement: {
    label: "Label agreement",
    says: "Share of samples that the judge takes for the class that was asked for; mean of the classes.",
    needs: "classes",
  },
  label_agreement_worst: {
    label: "Worst label agreement",
    says: "The same of the class where it is lowest.",
    needs: "classes",
  },
  memorisation: {
    label: "Memorisation",
    says: "Distance of samples to the nearest training image, against that of new real images: below 0.9, look for copies.",
    needs: "the full protocol",
  },
  reconstruction_mse: {
    label: "Reconstruction error",
    says: "Mean squared error of real images that were encoded and generated again, pixels in [0, 1].",
    needs: "a model with an encoder",
  },
  inception_fid: {
    label: "FID through Inception",
    says: "FID by the network that papers use; can be held against published figures of as many samples.",
    needs: "the weights of the Inception network, which the user provides",
  },
  inception_kid: {
    label: "KID through Inception",
    says: "KID by the network that papers use.",
    needs: "the weights of the Inception network, which the user provides",
  },
  inception_inception_score: {
    label: "Inception Score through Inception",
    says: "The score by the network that gave it its name; of use for photographs only.",
    needs: "the weights of the Inception network, which the user provides",
  },
};

const ORDER = GROUPS.flatMap((group) => group.families);

/** Figures whose values are shares: their scale is 0 to 1. */
export const SHARES = new Set(
  ["cas", "coverage", "recall", "precision", "label_agreement", "label_agreement_worst", "memorisation"],
);

/** A figure's name without sample count and reference: "fid" for "fid_10k_test". */
export function familyOf(name) {
  return name.replace(/_\d+k?(_test|_train)?$/, "");
}

/** What people call a figure. */
export function labelOf(name) {
  return FAMILIES[familyOf(name)]?.label ?? name;
}

/** Names of figures in reading order. */
export function sortNames(names) {
  const place = (name) => {
    const found = ORDER.indexOf(familyOf(name));
    return found < 0 ? ORDER.length : found;
  };
  return [...names].sort((one, other) => place(one) - place(other) || one.localeCompare(other));
}

/** Write a figure with four digits that count, never as a power of ten. */
export function formatFigure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  if (size >= 1) return value.toPrecision(4).replace("-", "−");
  return value.toFixed(value !== 0 && size < 0.01 ? 6 : 4).replace("-", "−");
}

/** Write an interval. */
export function formatInterval(interval) {
  return interval ? `${formatFigure(interval[0])} to ${formatFigure(interval[1])}` : "";
}

/** Write a share as percent. */
export function formatShare(share) {
  const digits = share > 0.99 && share < 1 ? 1 : share === 1 ? 0 : 1;
  return `${(100 * share).toFixed(digits)} %`;
}

/** The record of a version as `GET …/versions/{v}` told it; null when nobody measured it. */
export function recordOf(detail) {
  const record = detail.manifest.evaluation;
  return record && record.metrics && Object.keys(record.metrics).length ? record : null;
}

/** Why figures of two records cannot be held against each other, in words; null when they can. */
export function findObstacle(first, second) {
  if (first.protocol !== second.protocol) {
    return `one was evaluated by the ${first.protocol} protocol, the other by the ${second.protocol} one`;
  }
  if ((first.class_shares ?? "equal") !== (second.class_shares ?? "equal")) {
    return "one was asked for all classes alike, the other for as many of each as the real images have";
  }
  if (first.reference.sha256 !== second.reference.sha256) {
    return `they were compared with different real images (${nameReference(first)}; ${nameReference(second)})`;
  }
  if (first.judge.sha256 !== second.judge.sha256) return "different judges looked at them";
  return null;
}

/** Name the real images of a record. */
export function nameReference({ reference }) {
  const split = reference.split === "test" ? "test split" : "training images";
  return `${reference.name}, ${reference.num_images.toLocaleString("en")} of the ${split}`;
}

/** Whose figure is better beyond both intervals: "first", "second" or null. */
export function findWinner(first, second) {
  const [firstLow, firstHigh] = boundsOf(first);
  const [secondLow, secondHigh] = boundsOf(second);
  const lower = first.better === "lower";
  if (firstHigh < secondLow) return lower ? "first" : "second";
  if (secondHigh < firstLow) return lower ? "second" : "first";
  return null;
}

function boundsOf({ value, interval }) {
  const margin = Math.abs(value) * TOLERANCE;
  return interval ?? [value - margin, value + margin];
}

/** Whether a figure of two records may be compared: those through Inception need the same weights. */
export function sharesFigure(name, first, second) {
  if (!(name in first.metrics) || !(name in second.metrics)) return false;
  return !familyOf(name).startsWith("inception_") || name.startsWith("inception_score") || first.inception?.sha256 === second.inception?.sha256;
}
