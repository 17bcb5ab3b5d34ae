/** A 32-bit checksum of a text (FNV-1a over its UTF-16 units), in base 36. Finds damage; it is no defence against forgery. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
