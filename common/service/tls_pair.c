/* tls_pair.c - see tls_pair.h. */
#include "common/service/tls_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* A key with a passphrase cannot be used: nobody is there to type it. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static X509 *read_certificate(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

enum dw_rc dw_tls_pair_check(const char *certificate, const char *key, struct dw_err *err)
{
    X509 *x509 = certificate ? read_certificate(certificate) : NULL;
    EVP_PKEY *pkey = key ? read_key(key) : NULL;
    const char *wrong = NULL;
    if (!certificate || !key)
        wrong = certificate ? "tls_certificate is set, tls_key is not"
                            : "tls_key is set, tls_certificate is not";
    else if (!x509)
        wrong = "tls_certificate holds no certificate in PEM";
    else if (!pkey)
        wrong = "tls_key holds no private key in PEM, or one with a passphrase";
    else if (X509_check_private_key(x509, pkey) != 1)
        wrong = "tls_key is not the key of tls_certificate";
    else if (X509_cmp_current_time(X509_get0_notAfter(x509)) <= 0)
        wrong = "tls_certificate has expired";
    X509_free(x509);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return wrong ? dw_err_set(err, DW_CONFIG, "DW-API-006", "%s", wrong) : DW_OK;
}
