// Keeps the app's own files so that it starts without a network. Data never passes through here.
const VERSION = "3aee82cd54f8";
const FILES = [
	"FormScreen-CdGv4PpJ.css",
	"FormScreen-DDDxrIZF.js",
	"app.webmanifest",
	"defineProperty-DHR6M5mJ.css",
	"defineProperty-u2-4GJDo.js",
	"icon.svg",
	"index-Bc4o-C3W.js",
	"index-EKets9AH.css",
	"./",
	"notice.css",
	"notice.js",
	"rolldown-runtime-WkwZ5CU-.js"
];
const CACHE = `huqing-field-${VERSION}`;
const SCOPE = new URL("./", self.location.href);
self.addEventListener("install", (event) => {
	// All or nothing: a version of which one file is missing is not installed.
	event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((name) => new Request(new URL(name, SCOPE), { cache: "reload" })))));
});
// No skipWaiting here: a new version takes over when the page says that nothing is open, or when all windows are closed.
self.addEventListener("message", (event) => {
	if (event.data === "take-over") self.skipWaiting();
});
self.addEventListener("activate", (event) => {
	event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name.startsWith("huqing-field-") && name !== CACHE).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
	const url = new URL(event.request.url);
	if (event.request.method !== "GET" || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
	const name = event.request.mode === "navigate" ? SCOPE.href : url.origin + url.pathname;
	event.respondWith(caches.open(CACHE).then((cache) => cache.match(name)).then((kept) => kept || fetch(event.request)));
});
