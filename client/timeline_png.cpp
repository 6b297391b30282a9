#include "client/timeline_png.hpp"

#include <cairo.h>

#include <cmath>
#include <memory>

namespace parley::client {

namespace {

using recorder::Shape;

struct Release {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};

void set_colour(cairo_t* to, std::uint32_t colour) {
  const auto part = [colour](unsigned shift) { return static_cast<double>((colour >> shift) & 0xffU) / 255; };
  cairo_set_source_rgb(to, part(16), part(8), part(0));
}

void paint_text(cairo_t* to, const Shape& shape) {
  cairo_select_font_face(to, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(to, shape.height);
  cairo_text_extents_t extents;
  cairo_text_extents(to, shape.text.c_str(), &extents);
  const double back = shape.anchor == Shape::Anchor::start    ? 0
                      : shape.anchor == Shape::Anchor::middle ? extents.x_advance / 2
                                                              : extents.x_advance;
  cairo_move_to(to, shape.x - back, shape.y);
  cairo_show_text(to, shape.text.c_str());
}

void paint(cairo_t* to, const Shape& shape) {
  set_colour(to, shape.colour);
  switch (shape.kind) {
    case Shape::Kind::box:
      cairo_rectangle(to, shape.x, shape.y, shape.width, shape.height);
      cairo_fill(to);
      break;
    case Shape::Kind::area:
      for (const auto& [x, y] : shape.points) cairo_line_to(to, x, y);
      cairo_close_path(to);
      cairo_fill(to);
      break;
    case Shape::Kind::text:
      paint_text(to, shape);
      break;
  }
}

}  // namespace

Status write_png(const recorder::Picture& picture, const std::string& path, double scale) {
  const auto pixels = [scale](double length) { return static_cast<int>(std::ceil(length * scale)); };
  const std::unique_ptr<cairo_surface_t, Release> surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels(picture.width), pixels(picture.height)));
  const std::unique_ptr<cairo_t, Release> context(cairo_create(surface.get()));
  cairo_scale(context.get(), scale, scale);
  for (const auto& shape : picture.shapes) paint(context.get(), shape);
  auto status = cairo_status(context.get());
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png(surface.get(), path.c_str());
  if (status != CAIRO_STATUS_SUCCESS) return Error{path + ": " + cairo_status_to_string(status)};
  return Done{};
}

}  // namespace parley::client
