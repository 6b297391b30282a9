// The network thread that sessions share: one Asio loop, one thread named "net". A command line has one
// session on it, a scenario test or a benchmark dozens.
//
// Threads: construct and destroy on any thread but "net"; destroy it after the sessions that use it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>

namespace parley::client {

class NetThread {
 public:
  explicit NetThread(const std::string& name = "net");
  ~NetThread();
  NetThread(const NetThread&) = delete;
  NetThread& operator=(const NetThread&) = delete;

  boost::asio::io_context& context() { return context_; }
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_alive_;
  std::thread thread_;
};

}  // namespace parley::client
