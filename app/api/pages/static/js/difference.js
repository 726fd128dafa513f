// How far two images are apart, pixel by pixel.

/** Load an image that may be drawn on a canvas. */
export async function decodeImage(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

function readPixels(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/**
 * Compare two images, by their addresses.
 * @returns {Promise<{url, mean, largest}|null>} Picture of the absolute differences (black is none), their mean and the
 *   largest, of 255; null where sizes differ.
 */
export async function compareImages(first, second, { gain = 1 } = {}) {
  const [one, other] = (await Promise.all([decodeImage(first), decodeImage(second)])).map(readPixels);
  if (one.width !== other.width || one.height !== other.height) return null;
  const result = new ImageData(one.width, one.height);
  let sum = 0;
  let largest = 0;
  for (let at = 0; at < one.data.length; at += 4) {
    for (let channel = 0; channel < 3; channel += 1) {
      const apart = Math.abs(one.data[at + channel] - other.data[at + channel]);
      result.data[at + channel] = Math.min(255, apart * gain);
      sum += apart;
      largest = Math.max(largest, apart);
    }
    result.data[at + 3] = 255;
  }
  return { url: drawPixels(result), mean: sum / ((3 * one.data.length) / 4), largest };
}

function drawPixels(data) {
  const canvas = document.createElement("canvas");
  canvas.width = data.width;
  canvas.height = data.height;
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas.toDataURL();
}
