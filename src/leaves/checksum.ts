/**
 * A 32-bit checksum (FNV-1a over UTF-16 units, in base 36) of a text and of what follows in another from a place on: a copy of both costs more
 * than the sum. Finds damage; it is no defence against forgery.
 */
export function checksum(first: string, then: string = "", from: number = 0): string {
  return (added(added(0x811c9dc5, first, 0), then, from) >>> 0).toString(36);
}

function added(hash: number, text: string, from: number): number {
  for (let i = from; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
