import { Form, useLoaderData } from "react-router";
import { sessions } from "../sessions.server";

export function loader({ context }) {
  return { cart: sessions.get(context).get("cart") ?? [] };
}

export async function action({ request, context }) {
  const item = String((await request.formData()).get("item"));
  sessions.get(context).update("cart", (cart = []) => [...cart, item]);
  return null;
}

export default function Cart() {
  const { cart } = useLoaderData();
  return (
    <main>
      <h1>Cart</h1>
      <ul>
        {cart.map((item, i) => (
          <li key={i}>{item}</li>
        ))}
      </ul>
      <Form method="post">
        <label>
          Item <input name="item" />
        </label>
        <button>Add</button>
      </Form>
    </main>
  );
}
