"""Settings with which a whole system is started for tests."""

# One machine plays all people: what protects the system from one address would stop the tests.
GENEROUS = ",".join(
    f"{bucket}=100000/60"
    for bucket in ("auth.address", "write.address", "read.address", "upload.address", "avatar.address", "media.address")
)
ATTEMPTS = ",".join(
    f"{bucket}=100000/60"
    for bucket in ("register.address", "log_in.address", "forgot.address", "reset.address", "verify.address")
)
UNLIMITED = {name: {"HELIOGRAPH_RATE_LIMITS": GENEROUS} for name in ("gateway", "gateway-upload")} | {
    "user": {"HELIOGRAPH_ATTEMPT_LIMITS": ATTEMPTS}
}
