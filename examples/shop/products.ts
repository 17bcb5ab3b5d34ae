import { Html } from "./views/html.js";

/** Something to buy. */
export interface Product {
  readonly slug: string;
  readonly name: string;
  readonly about: string;
  readonly cents: number;
  readonly drawing: Html;
}

/** A product and how many of it. */
export interface Line {
  readonly product: Product;
  readonly count: number;
}

export const products: readonly Product[] = [
  product(
    "bench-holdfast",
    "Bench holdfast",
    "One knock and the board stays; one knock behind and it is free.",
    4800,
    "M14 58V26C14 12 27 6 41 12l11 6-4 6-11-5c-8-4-15 0-15 8v31zM14 40h8",
  ),
  product(
    "anchor",
    "Small anchor",
    "Two kilos of galvanised patience for a dinghy.",
    3900,
    "M32 18v38M22 26h20M32 8a5 5 0 1 0 .01 0M12 38c1 12 9 18 20 18s19-6 20-18M12 38l-4 6m4-6 6 5M52 38l4 6m-4-6-6 5",
  ),
  product(
    "carabiner",
    "Carabiner",
    "Forged, with a gate that closes by itself.",
    1450,
    "M26 7h8c11 0 19 8 17 18l-5 23c-2 9-9 12-17 10-9-2-14-8-14-17V19c0-7 4-12 11-12zM27 14c-3 0-5 2-5 6v21c0 5 " +
      "3 9 8 10 4 1 8 0 9-5l5-22c1-6-3-10-9-10zM49 36l-7-1.5M51 27l-7-1.5",
  ),
  product(
    "rope",
    "Manila rope",
    "Ten metres, three strands, smells of harbour.",
    1900,
    "M10 30c0-7 10-12 22-12s22 5 22 12-10 12-22 12-22-5-22-12zm10 0c0-3 5-5 12-5s12 2 12 5-5 5-12 " +
      "5-12-2-12-5zM10 30v9c0 7 10 12 22 12s22-5 22-12v-9M10 35c0 7 10 12 22 12s22-5 22-12M54 39c4 3 5 8 2 14",
  ),
  product(
    "wall-hook",
    "Wall hook",
    "Cast iron. Takes a coat, a bag and a bad day.",
    1200,
    "M28 8a9 9 0 1 0 .01 0M28 17v.01M28 26v17c0 15 21 15 21 0v-3M49 40a3 3 0 1 0-.01-6 3 3 0 0 0 0 6",
  ),
  product(
    "twine",
    "Ball of twine",
    "Two hundred metres of flax, waxed by hand.",
    850,
    "M32 12a21 21 0 1 0 .01 0M13 26c12-6 26-6 38 0M11 34c14-7 28-7 42 0M14 44c12-6 24-6 36 0M22 15c-6 12-6 24 " +
      "0 36M42 15c6 12 6 24 0 36M46 49c6 4 10 3 13 7",
  ),
  product(
    "pegs",
    "Beech pegs",
    "Twelve of them. The wind has tried.",
    650,
    "M26 20a8.5 8.5 0 1 1 12 0c-2 2-1 4 1 6l2 32h-6.5l-1.5-24h-2l-1.5 24h-6.5l2-32c2-2 3-4 1-6zM25 26h14",
  ),
  product(
    "clip",
    "Paper clip",
    "One, large, brass. Keeps two thoughts together.",
    300,
    "M24 20v24c0 11 17 11 17 0V18c0-15-24-15-24 0v26M24 20c0-6 10-6 10 0v23",
  ),
];

/** The product of a slug. */
export function findProduct(slug: string): Product | undefined {
  return products.find((one) => one.slug === slug);
}

/** The cart, which is a list of slugs, as lines; a product that is no longer sold is left out. */
export function linesOf(cart: readonly string[]): Line[] {
  const lines = products.map((one) => ({ product: one, count: cart.filter((slug) => slug === one.slug).length }));
  return lines.filter(({ count }) => count > 0);
}

/** What lines cost together, in cents. */
export function totalOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { product: { cents }, count }) => sum + cents * count, 0);
}

function product(slug: string, name: string, about: string, cents: number, path: string): Product {
  const drawing = new Html(`<svg viewBox="0 0 64 64" aria-hidden="true"><path d="${path}"/></svg>`);
  return { slug, name, about, cents, drawing };
}
