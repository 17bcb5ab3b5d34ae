/** Sends a form to its server route, reads the session again, and goes where the route says. */
export function useForm() {
  const { refresh } = useSession();
  return async (event: Event) => {
    const form = event.target as HTMLFormElement;
    const body = Object.fromEntries(new FormData(form));
    const { to } = await $fetch<{ to: string }>(form.getAttribute("action")!, { method: "POST", body });
    form.reset();
    await refresh();
    await navigateTo(to);
  };
}
