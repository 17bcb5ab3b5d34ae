export const GET = () => new Response("untouched");
