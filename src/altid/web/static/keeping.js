// Pages have a service worker, so that a browser which finds no server says where to go. Without one (no https,
// an untrusted certificate) all else works.

navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
