// A photo chosen from this machine, made smaller here, and shown before it is sent.

import { button, element, words } from "./page.js";

const LONGEST_SIDE = 1536;
const JPEG_QUALITY = 0.9;
const input = document.getElementById("picture");
const shown = document.getElementById("shown");

let chosen = "";

export const picture = () => chosen;

export function forget() {
  chosen = "";
  if (input) input.value = "";
  shown.hidden = true;
  shown.replaceChildren();
}

// The photo as a data: URI, its longer side at most LONGEST_SIDE pixels.
async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = element("canvas", {
    width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale),
  });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY);
}

export function imageOf(address) {
  return element("img", { src: address, alt: words.picture_of });
}

input?.addEventListener("change", async () => {
  const [file] = input.files;
  if (!file) return;
  try {
    chosen = await smaller(file);
    const remove = button(words.remove, () => {
      forget();
      input.focus();
    }, { className: "quiet" });
    shown.replaceChildren(imageOf(chosen), remove);
  } catch {
    forget();
    shown.replaceChildren(element("p", { text: words.picture_bad, role: "alert" }));
  }
  shown.hidden = false;
});
