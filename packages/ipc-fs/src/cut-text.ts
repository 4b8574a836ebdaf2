/**
 * The text, or as much of its beginning as fits into `bytes` of its JSON form (quotes left out),
 * with a note that says how much is missing. Never splits a character.
 */
export function cutText(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) {
    return text;
  }
  // The note's numbers are at most as long as the text's own length.
  const room = Math.max(0, bytes - jsonBytes(cutNote(text.length, text.length)));
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (jsonBytes(text.slice(0, middle)) <= room) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const kept = isHighSurrogate(text.charCodeAt(low - 1)) ? low - 1 : low;
  return text.slice(0, kept) + cutNote(kept, text.length);
}

function cutNote(kept: number, all: number): string {
  return `\n[cut: ${kept} of ${all} characters]`;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd8_00 && code <= 0xdb_ff;
}
