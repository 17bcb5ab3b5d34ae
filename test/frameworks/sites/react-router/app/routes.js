import { index, route } from "@react-router/dev/routes";

export default [
  index("routes/start.tsx"),
  route("login", "routes/login.tsx"),
  route("logout", "routes/logout.jsx"),
  route("account", "routes/account.tsx"),
  route("cart", "routes/cart.tsx"),
  route("throw", "routes/throw.jsx"),
  route("*", "routes/rest.js"),
];
