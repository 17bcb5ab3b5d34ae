import { createFileRoute, useRouter } from "@tanstack/react-router";
import { addToCart } from "../session.functions";

export const Route = createFileRoute("/")({ component: Shop });

function Shop() {
  const { cart } = Route.useRouteContext();
  const router = useRouter();
  const add = async (form: FormData) => {
    await addToCart({ data: form });
    await router.invalidate();
  };
  return (
    <main>
      <h1>Shop</h1>
      <ul id="cart">
        {cart.map((item, i) => (
          <li key={i}>{item}</li>
        ))}
      </ul>
      <form action={add}>
        <input name="item" aria-label="Item" />
        <button>Add</button>
      </form>
    </main>
  );
}
