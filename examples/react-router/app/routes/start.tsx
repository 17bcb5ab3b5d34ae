import { Link } from "react-router";

export default function Start() {
  return (
    <main>
      <h1>Sessions in React Router</h1>
      <Link to="/login">Log in</Link>
    </main>
  );
}
