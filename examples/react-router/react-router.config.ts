/** React Router 7 needs `future: { v8_middleware: true }` here; 8 always has middlewares. */
export default { ssr: true };
