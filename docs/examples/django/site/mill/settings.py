import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# Both sides need it: it signs the tickets that Millrace reads.
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True

INSTALLED_APPS = ["django.contrib.sessions", "channels", "mill"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
ROOT_URLCONF = "mill.urls"
ASGI_APPLICATION = "mill.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# The same layer, at the same place, with the same prefix as Millrace's.
LAYERS = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": LAYERS[os.environ.get("LAYER", "pubsub")],
        "CONFIG": {
            "hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379")],
            "prefix": "mill",
        },
    },
}

# Where pages open their sockets: nothing for the page's own host, where the proxy decides.
SOCKETS = os.environ.get("SOCKETS", "")
