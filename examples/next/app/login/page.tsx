import { login } from "../actions";

export default function Login() {
  return (
    <main>
      <h1>Log in</h1>
      <form action={login}>
        <input name="user" aria-label="User" />
        <button>Log in</button>
      </form>
    </main>
  );
}
