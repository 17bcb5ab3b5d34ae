import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig } from "vite";

// The address of the site, as browsers see it: SvelteKit compares the origin of forms with it.
const origin = process.env.ORIGIN ?? "http://localhost:3000";

export default defineConfig({ plugins: [sveltekit({ adapter: adapter(), paths: { origin } })] });
