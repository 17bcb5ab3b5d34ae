import { adapterStorage } from "holdfast/testing";

export const GET = (request) => new Response(adapterStorage().command(request.nextUrl.searchParams.get("do")));
