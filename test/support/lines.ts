/** A line of ASCII: readline ends lines at other characters of Unicode, too. */
export function lineOf(what: object): string {
  return JSON.stringify(what).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
