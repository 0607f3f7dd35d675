// Relative addresses, so that the page also works behind a proxy that puts a path before it.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#docs", deepLinking: true, tryItOutEnabled: true, validatorUrl: null });
