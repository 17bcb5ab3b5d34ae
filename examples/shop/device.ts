/** Looked for in this order: Edge says it is Chrome, Chrome says it is Safari. */
const BROWSERS = [
  ["Edge", /\bEdg/],
  ["Firefox", /\bFirefox\//],
  ["Chrome", /Chrome\//],
  ["Safari", /\bSafari\//],
  ["curl", /^curl\//],
] as const;
const SYSTEMS = [
  ["Android", /\bAndroid\b/],
  ["an iPhone", /\biPhone\b/],
  ["an iPad", /\biPad\b/],
  ["Windows", /\bWindows\b/],
  ["a Mac", /\bMacintosh\b/],
  ["Linux", /\bLinux\b/],
] as const;

/** A short description of the device of a request, good enough for its user to recognise it. */
export function deviceOf(userAgent: string = ""): string {
  const [browser] = BROWSERS.find(([, sign]) => sign.test(userAgent)) ?? ["A browser"];
  const system = SYSTEMS.find(([, sign]) => sign.test(userAgent));
  return system ? `${browser} on ${system[0]}` : browser;
}
