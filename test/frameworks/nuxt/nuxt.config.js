export default defineNuxtConfig({
  modules: ["holdfast/nuxt"],
  compatibilityDate: "2026-11-01",
  telemetry: false,
  devtools: { enabled: false },
  routeRules: {
    "/suite/pages/swr": { swr: 60 },
    "/suite/pages/isr": { isr: 60 },
    "/suite/shared": { swr: 60 },
    "/suite/shared-isr": { isr: 60 },
    "/suite/pages/prerendered": { prerender: true },
  },
});
