#include "mcu/signaling/tls_self_signed.hpp"

#include <fcntl.h>
#include <ifaddrs.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>

#include "mcu/signaling/tls_error.hpp"
#include "transport/base/address.hpp"

namespace parley::signaling {
namespace {

constexpr long kDaysValid = 90;
constexpr long kRenewBefore = 7L * 24 * 3600;  // seconds
constexpr std::size_t kMaxFile = 64UL * 1024;

using Extension = std::unique_ptr<X509_EXTENSION, Release<&::X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Release<&::BIO_free>>;

// "DNS:localhost", "IP:127.0.0.1", ...: by which names and addresses this host is reached.
std::set<std::string> own_names() {
  std::set<std::string> names = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) {
    const std::string name = host.data();
    const bool is_plain = !name.empty() && name.find_first_not_of(
                                               "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "0123456789.-") == std::string::npos;
    if (is_plain) names.insert("DNS:" + name);
  }
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) == 0) {
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr) continue;
      if (const auto address = Address::from_sockaddr(entry->ifa_addr))
        names.insert("IP:" + address->ip.to_string());
    }
    ::freeifaddrs(list);
  }
  return names;
}

bool add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(::X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string subject_alt_name() {
  std::string all;
  for (const auto& name : own_names()) all += (all.empty() ? "" : ",") + name;
  return all;
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(::X509_new());
  std::uint64_t serial = 0;
  if (!certificate || ::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  X509* x509 = certificate.get();
  X509_NAME* name = ::X509_get_subject_name(x509);
  const std::string common_name = "Parley development certificate";
  const bool made = ::X509_set_version(x509, 2) == 1 &&
                    ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(x509), serial >> 1U) == 1 &&
                    ::X509_gmtime_adj(X509_getm_notBefore(x509), -3600) != nullptr &&
                    ::X509_gmtime_adj(X509_getm_notAfter(x509), kDaysValid * 24 * 3600) != nullptr &&
                    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                 reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                                 -1, -1, 0) == 1 &&
                    ::X509_set_issuer_name(x509, name) == 1 && ::X509_set_pubkey(x509, key) == 1 &&
                    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x509, NID_ext_key_usage, "serverAuth") &&
                    add_extension(x509, NID_subject_alt_name, subject_alt_name()) &&
                    ::X509_sign(x509, key, ::EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

Result<SelfSigned> make() {
  SelfSigned made;
  made.key.reset(::EVP_EC_gen("P-256"));
  if (made.key) made.certificate = make_certificate(made.key.get());
  if (!made.certificate) return Error{"a self-signed certificate cannot be made: " + openssl_error(), 0};
  return made;
}

bool names_this_host(X509* certificate) {
  for (const std::string& name : own_names()) {
    const bool is_ip = name.starts_with("IP:");
    const std::string value = name.substr(name.find(':') + 1);
    const int found = is_ip ? ::X509_check_ip_asc(certificate, value.c_str(), 0)
                            : ::X509_check_host(certificate, value.c_str(), value.size(), 0, nullptr);
    if (found != 1) return false;
  }
  return true;
}

bool lasts(X509* certificate) {
  time_t soon = ::time(nullptr) + kRenewBefore;
  return ::X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0 &&
         ::X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
}

Error file_error(const std::string& file, const char* what) {
  return Error{file + ": " + what + ": " + std::strerror(errno), errno};
}

// What the file holds; empty when there is none.
Result<std::string> read_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::string();
    return file_error(file, "cannot be read");
  }
  std::string text(kMaxFile, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  if (size < 0) return file_error(file, "cannot be read");
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Nothing in `certificate` when the text is not a pair that belongs together.
SelfSigned parse(std::string_view text) {
  const auto bio = [&] { return Bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); };
  SelfSigned pair;
  pair.key.reset(::PEM_read_bio_PrivateKey(bio().get(), nullptr, nullptr, nullptr));
  pair.certificate.reset(::PEM_read_bio_X509(bio().get(), nullptr, nullptr, nullptr));
  const bool is_pair =
      pair.key && pair.certificate && ::X509_check_private_key(pair.certificate.get(), pair.key.get()) == 1;
  ::ERR_clear_error();
  if (!is_pair) pair.certificate.reset();
  return pair;
}

// Into a new file that takes the old one's place at once, and that only its owner can read.
Status write_file(const std::string& file, const SelfSigned& pair) {
  const Bio bio(::BIO_new(::BIO_s_mem()));
  const bool is_text =
      bio &&
      ::PEM_write_bio_PrivateKey(bio.get(), pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      ::PEM_write_bio_X509(bio.get(), pair.certificate.get()) == 1;
  char* text = nullptr;
  const long size = is_text ? BIO_get_mem_data(bio.get(), &text) : 0;
  if (size <= 0) return Error{"a self-signed certificate cannot be kept: " + openssl_error(), 0};
  std::string fresh = file + ".XXXXXX";
  const int fd = ::mkstemp(fresh.data());
  if (fd < 0) return file_error(file, "cannot be written");
  const bool is_written = ::write(fd, text, static_cast<std::size_t>(size)) == size && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (is_written && ::rename(fresh.c_str(), file.c_str()) == 0) return Done{};
  if (!is_written) errno = error;
  const auto failure = file_error(file, "cannot be written");
  ::unlink(fresh.c_str());
  return failure;
}

}  // namespace

Result<SelfSigned> self_signed(const std::string& file) {
  if (file.empty()) return make();
  auto text = read_file(file);
  if (!text) return text.error();
  if (!text->empty()) {
    SelfSigned kept = parse(*text);
    // Another file that was named by mistake must not be lost.
    if (!kept.certificate)
      return Error{file + ": expected a key and its certificate as written by this server, or no file", 0};
    if (lasts(kept.certificate.get()) && names_this_host(kept.certificate.get())) return kept;
  }
  auto made = make();
  if (!made) return made;
  if (auto written = write_file(file, *made); !written) return written.error();
  return made;
}

}  // namespace parley::signaling
