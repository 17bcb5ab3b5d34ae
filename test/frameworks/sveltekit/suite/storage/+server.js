import { adapterStorage } from "holdfast/testing";

export const GET = ({ url }) => new Response(adapterStorage().command(url.searchParams.get("do")));
