export default defineNuxtRouteMiddleware(async () => {
  const { refresh } = useSession();
  if ((await refresh())?.owner === undefined) return navigateTo("/login");
});
