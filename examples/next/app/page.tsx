import { addToCart } from "./actions";
import { getSession } from "../lib/session";

export default async function Home() {
  const cart = (await getSession()).get("cart") ?? [];
  return (
    <main>
      <h1>Shop</h1>
      <ul id="cart">
        {cart.map((item, i) => (
          <li key={i}>{item}</li>
        ))}
      </ul>
      <form action={addToCart}>
        <input name="item" aria-label="Item" />
        <button>Add</button>
      </form>
    </main>
  );
}
