import { crossOriginProtection } from "holdfast/nuxt";

export default crossOriginProtection();
